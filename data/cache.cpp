// SPDX-License-Identifier: MIT
#include "data/cache.h"

#include "core/check.h"
#include "core/io/safetensors.h"

#include <nlohmann/json.hpp>

#include <cstring>

namespace fanin {

namespace {

constexpr const char* kFormat = "fanin-dataset";
constexpr const char* kVersion = "1";

struct Storage {
  io::MappedFile file;
  std::vector<std::int32_t> train_labels, test_labels;  // copies: the file may hold them unaligned
};

std::vector<std::size_t> dimensions(const Split& split, const Shape& image) {
  return {split.labels.size(), static_cast<std::size_t>(image.height), static_cast<std::size_t>(image.width),
          static_cast<std::size_t>(image.channels)};
}

template <class List>
List json_list(const std::map<std::string, std::string>& metadata, const char* key, const std::string& source) {
  const auto found = metadata.find(key);
  FANIN_CHECK(found != metadata.end(), input, "{}: the cache has no \"{}\"; import the data again", source, key);
  try {
    return nlohmann::json::parse(found->second).get<List>();
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::input, "{}: \"{}\" of the cache is not a JSON array of the right kind; import the data again",
         source, key);
  }
}

void require_utf8(const std::string& name) {
  try {
    static_cast<void>(nlohmann::json(name).dump());
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::input, "the name \"{}\" is not UTF-8 and cannot be stored; rename the folder", name);
  }
}

std::string text(const std::map<std::string, std::string>& metadata, const char* key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? std::string{} : found->second;
}

const io::TensorEntry& entry(const io::Safetensors& file, const char* name, const char* dtype, std::size_t dimensions,
                             const std::string& source) {
  const auto found = file.tensors.find(name);
  FANIN_CHECK(found != file.tensors.end(), input, "{}: the cache has no tensor {}; import the data again", source,
              name);
  FANIN_CHECK(found->second.dtype == dtype && found->second.shape.size() == dimensions, input,
              "{}: tensor {} has type {} and {} dimensions instead of {} and {}", source, name, found->second.dtype,
              found->second.shape.size(), dtype, dimensions);
  return found->second;
}

std::vector<std::int32_t> labels_of(const io::Safetensors& file, const char* name, const std::string& source) {
  const io::TensorEntry& found = entry(file, name, "I32", 1, source);
  std::vector<std::int32_t> labels(found.data.size() / sizeof(std::int32_t));
  if (!labels.empty()) std::memcpy(labels.data(), found.data.data(), labels.size() * sizeof(std::int32_t));
  return labels;
}

std::span<const std::uint8_t> pixels_of(const io::Safetensors& file, const char* name, const std::string& source,
                                        std::size_t labels, Shape& image) {
  const io::TensorEntry& found = entry(file, name, "U8", 4, source);
  for (const std::size_t size : found.shape) {
    FANIN_CHECK(size <= 1u << 30, input, "{}: tensor {} has a dimension of {}", source, name, size);
  }
  const auto dimension = [&found](std::size_t i) { return static_cast<int>(found.shape[i]); };
  const Shape shape{1, dimension(1), dimension(2), dimension(3)};
  FANIN_CHECK(found.shape[0] == labels, input, "{}: {} has {} images for {} labels", source, name, found.shape[0],
              labels);
  FANIN_CHECK(image.images == 0 || image == shape, input, "{}: training images are {}, test images {}", source,
              to_string(image), to_string(shape));
  image = shape;
  return {reinterpret_cast<const std::uint8_t*>(found.data.data()), found.data.size()};
}

}  // namespace

void write_cache(const io::Path& path, const Dataset& d) {
  for (const std::string& name : d.class_names) require_utf8(name);
  require_utf8(d.name);
  const auto labels = [](const Split& s) { return std::as_bytes(s.labels); };
  const auto pixels = [](const Split& s) { return std::as_bytes(s.pixels); };
  io::write_safetensors(path,
                        {{"train_labels", io::DType::i32, {d.train.labels.size()}, labels(d.train)},
                         {"test_labels", io::DType::i32, {d.test.labels.size()}, labels(d.test)},
                         {"train_images", io::DType::u8, dimensions(d.train, d.image), pixels(d.train)},
                         {"test_images", io::DType::u8, dimensions(d.test, d.image), pixels(d.test)}},
                        {{"format", kFormat},
                         {"version", kVersion},
                         {"name", d.name},
                         {"classes", nlohmann::json(d.class_names).dump()},
                         {"mean", nlohmann::json(d.mean).dump()},
                         {"std", nlohmann::json(d.std).dump()},
                         {"fingerprint", d.fingerprint}});
}

Dataset open_cache(const io::Path& path) {
  const std::string source = path.string();
  const std::shared_ptr<Storage> storage = std::make_shared<Storage>();
  storage->file = io::MappedFile(path);
  const io::Safetensors file = io::parse_safetensors(storage->file.bytes(), source);
  FANIN_CHECK(text(file.metadata, "format") == kFormat, input,
              "{}: a safetensors file, but not a data set; make one with `fanin data import`", source);
  FANIN_CHECK(text(file.metadata, "version") == kVersion, input,
              "{}: data set format version \"{}\", this program reads {}; import the data again", source,
              text(file.metadata, "version"), kVersion);
  storage->train_labels = labels_of(file, "train_labels", source);
  storage->test_labels = labels_of(file, "test_labels", source);
  Dataset d;
  d.name = text(file.metadata, "name");
  d.class_names = json_list<std::vector<std::string>>(file.metadata, "classes", source);
  d.train = {pixels_of(file, "train_images", source, storage->train_labels.size(), d.image), storage->train_labels};
  d.test = {pixels_of(file, "test_images", source, storage->test_labels.size(), d.image), storage->test_labels};
  d.mean = json_list<std::vector<float>>(file.metadata, "mean", source);
  d.std = json_list<std::vector<float>>(file.metadata, "std", source);
  d.fingerprint = text(file.metadata, "fingerprint");
  d.storage = storage;
  validate(d, source);
  return d;
}

void verify_fingerprint(const Dataset& dataset, const std::string& source) {
  const std::string measured = measure_fingerprint(dataset);
  FANIN_CHECK(measured == dataset.fingerprint, input,
              "{}: pixels and labels have fingerprint {}, but {} was written at import; the file is damaged, import "
              "the data again",
              source, measured, dataset.fingerprint);
}

}  // namespace fanin
