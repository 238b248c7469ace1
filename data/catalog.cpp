// SPDX-License-Identifier: MIT
#include "data/catalog.h"

#include "core/check.h"
#include "core/rng.h"
#include "data/archive.h"
#include "data/cache.h"
#include "data/import.h"
#include "data/synthetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fanin {

namespace {

template <class Number>
void read_number(std::string_view text, Number& value, std::string_view key) {
  const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), value);
  FANIN_CHECK(end.ec == std::errc() && end.ptr == text.data() + text.size(), usage,
              "synthetic: {}=\"{}\" is not a whole number in range", key, text);
}

SyntheticOptions parse_synthetic(std::string_view text) {
  SyntheticOptions options;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = text.substr(0, comma);
    text.remove_prefix(std::min(text.size(), comma + 1));
    const std::size_t equals = std::min(item.find('='), item.size());
    const std::string_view key = item.substr(0, equals), value = item.substr(std::min(item.size(), equals + 1));
    if (key == "train") {
      read_number(value, options.train, key);
    } else if (key == "test") {
      read_number(value, options.test, key);
    } else {
      FANIN_CHECK(key == "seed", usage, "synthetic: \"{}\" is unknown; write synthetic:train=2000,test=1000,seed=0",
                  item);
      read_number(value, options.seed, key);
    }
  }
  return options;
}

bool is_archive_file(const io::Path& path) { return is_archive(io::MappedFile(path).bytes()); }

Dataset open_file(const io::Path& path) {
  bool safetensors = false;
  {
    const io::MappedFile file(path);
    safetensors = file.bytes().size() > 8 && file.bytes()[8] == std::byte{'{'};
  }
  if (is_archive_file(path)) return import_dataset(path, {.strict = true});
  FANIN_CHECK(safetensors, input,
              "{}: neither a cache made by `fanin data import`, nor a tar or tar.gz archive; it may be truncated",
              path.string());
  return open_cache(path);
}

// Image indices in an order whose every beginning holds the classes in the proportions of the whole.
std::vector<std::uint32_t> balanced_order(const Split& split, int classes, std::uint64_t seed) {
  struct Place {
    double fraction;  // of its class that comes before it
    std::int32_t label;
    std::uint32_t image;
  };
  std::vector<std::vector<std::uint32_t>> members(static_cast<std::size_t>(classes));
  for (std::size_t i = 0; i < split.labels.size(); ++i) {
    members[static_cast<std::size_t>(split.labels[i])].push_back(static_cast<std::uint32_t>(i));
  }
  std::vector<Place> places;
  for (std::size_t label = 0; label < members.size(); ++label) {
    const std::uint32_t count = static_cast<std::uint32_t>(members[label].size());
    const std::vector<std::uint32_t> order = Rng::stream(seed, fmt::format("select/{}", label)).permutation(count);
    for (std::uint32_t rank = 0; rank < count; ++rank) {
      places.push_back({(rank + 0.5) / count, static_cast<std::int32_t>(label), members[label][order[rank]]});
    }
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.fraction != b.fraction ? a.fraction < b.fraction : a.label < b.label;
  });
  std::vector<std::uint32_t> order;
  for (const Place& place : places) order.push_back(place.image);
  return order;
}

struct Selected {
  std::vector<std::uint8_t> train_pixels, test_pixels;
  std::vector<std::int32_t> train_labels, test_labels;
  std::shared_ptr<const void> original;  // keeps an unchanged test split alive
};

void gather(const Split& from, std::size_t bytes, std::vector<std::uint32_t> images, std::vector<std::uint8_t>& pixels,
            std::vector<std::int32_t>& labels) {
  std::sort(images.begin(), images.end());
  for (const std::uint32_t image : images) {
    const std::span<const std::uint8_t> one = from.pixels.subspan(image * bytes, bytes);
    pixels.insert(pixels.end(), one.begin(), one.end());
    labels.push_back(from.labels[image]);
  }
}

}  // namespace

Dataset open_dataset(std::string_view spec) {
  FANIN_CHECK(!spec.empty(), usage, "no data given; use `synthetic`, or a file made by `fanin data import`");
  if (spec == "synthetic") return synthetic_dataset();
  if (spec.starts_with("synthetic:")) return synthetic_dataset(parse_synthetic(spec.substr(10)));
  const io::Path path(spec);
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(status)) return import_dataset(path, {.strict = true});
  if (std::filesystem::exists(status)) return open_file(path);
  const io::Path cache = path.string() + ".fanin";
  if (std::filesystem::exists(cache, error)) return open_file(cache);
  fail(ErrorKind::input,
       "{}: no such data set; `fanin data fetch cifar10` downloads one, `fanin data import FILE_OR_DIR` reads one you "
       "have, and "
       "`synthetic` needs no file",
       spec);
}

bool needs_import(std::string_view spec) {
  const io::Path path(spec);
  std::error_code error;
  if (spec.starts_with("synthetic") || !std::filesystem::exists(path, error)) return false;
  return std::filesystem::is_directory(path, error) || is_archive_file(path);
}

Dataset select(const Dataset& dataset, const Selection& selection, std::uint64_t seed) {
  const auto [train_size, validation, test_size] = selection;
  const int available = dataset.train.size(), tests = dataset.test.size();
  FANIN_CHECK(train_size >= 0 && train_size <= available, usage, "train size {}: {} has {} training images", train_size,
              dataset.name, available);
  FANIN_CHECK(test_size >= 0 && test_size <= tests, usage, "test size {}: {} has {} test images", test_size,
              dataset.name, tests);
  FANIN_CHECK(test_size == 0 || validation == 0, usage,
              "test size {} and {} validation images: the validation images replace the test set; give only one",
              test_size, validation);
  const int kept = train_size == 0 ? available : train_size;
  FANIN_CHECK(validation >= 0 && validation < kept, usage,
              "{} validation images of {} training images leave none to train on; give a smaller number", validation,
              kept);
  const bool fewer_to_test = test_size > 0 && test_size < tests;
  if (kept == available && validation == 0 && !fewer_to_test) return dataset;

  const std::shared_ptr<Selected> storage = std::make_shared<Selected>();
  storage->original = dataset.storage;
  const std::size_t bytes = dataset.image.size();
  Dataset result = dataset;
  if (kept < available || validation > 0) {
    const std::vector<std::uint32_t> order = balanced_order(dataset.train, dataset.classes(), seed);
    const auto first = order.begin();
    gather(dataset.train, bytes, {first + validation, first + kept}, storage->train_pixels, storage->train_labels);
    gather(dataset.train, bytes, {first, first + validation}, storage->test_pixels, storage->test_labels);
    result.train = {storage->train_pixels, storage->train_labels};
  }
  if (fewer_to_test) {
    const std::vector<std::uint32_t> order = balanced_order(dataset.test, dataset.classes(), 0);
    gather(dataset.test, bytes, {order.begin(), order.begin() + test_size}, storage->test_pixels, storage->test_labels);
  }
  if (validation > 0 || fewer_to_test) result.test = {storage->test_pixels, storage->test_labels};
  result.fingerprint = measure_fingerprint(result);
  result.storage = storage;
  return result;
}

}  // namespace fanin
