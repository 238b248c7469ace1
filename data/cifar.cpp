// SPDX-License-Identifier: MIT
#include "data/cifar.h"

#include "core/check.h"

#include <fmt/format.h>

#include <sstream>

namespace fanin {

namespace {

constexpr int kSide = 32;
constexpr std::size_t kPlane = kSide * kSide;
constexpr int kTrainImages = 50'000, kTestImages = 10'000;
constexpr const char* kTrain10[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                                    "data_batch_5.bin"};
constexpr const char* kTest10 = "test_batch.bin";
constexpr const char* kNames10 = "batches.meta.txt";
constexpr const char* kTrain100 = "train.bin";
constexpr const char* kTest100 = "test.bin";
constexpr const char* kNames100 = "fine_label_names.txt";

struct Layout {
  const char* name;
  std::size_t label_bytes, label_at;  // of a record
  int classes;
  std::size_t record() const { return label_bytes + 3 * kPlane; }
};

Layout layout_of(CifarFormat format) {
  return format == CifarFormat::cifar10 ? Layout{"CIFAR-10", 1, 0, 10} : Layout{"CIFAR-100", 2, 1, 100};
}

std::string_view last_part(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

}  // namespace

void parse_cifar(CifarFormat format, std::span<const std::byte> bytes, const std::string& source,
                 std::vector<std::uint8_t>& pixels, std::vector<std::int32_t>& labels) {
  const Layout layout = layout_of(format);
  const std::size_t record = layout.record(), count = bytes.size() / record;
  FANIN_CHECK(count > 0 && bytes.size() % record == 0, input,
              "{}: {} bytes are not a whole number of {}-byte {} records (byte {} starts an incomplete one); the file "
              "is truncated "
              "or not {}",
              source, bytes.size(), record, layout.name, count * record, layout.name);
  const std::uint8_t* in = reinterpret_cast<const std::uint8_t*>(bytes.data());
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = i * record + layout.label_at;
    FANIN_CHECK(in[at] < layout.classes, input, "{}: label {} at byte {} (image {}); {} has labels 0 to {}", source,
                in[at], at, i, layout.name, layout.classes - 1);
    labels.push_back(in[at]);
  }
  const std::size_t first = pixels.size();
  pixels.resize(first + count * 3 * kPlane);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* planes = in + i * record + layout.label_bytes;
    std::uint8_t* out = pixels.data() + first + i * 3 * kPlane;
    for (std::size_t p = 0; p < kPlane; ++p) {
      for (std::size_t c = 0; c < 3; ++c) out[3 * p + c] = planes[c * kPlane + p];
    }
  }
}

bool CifarFiles::wanted(std::string_view name) {
  const std::string_view file = last_part(name);
  for (const char* known : kTrain10) {
    if (file == known) return true;
  }
  return file == kTest10 || file == kNames10 || file == kTrain100 || file == kTest100 || file == kNames100;
}

void CifarFiles::add(const std::string& name, std::span<const std::byte> bytes) {
  const std::string file(last_part(name));
  const bool fresh = files_.try_emplace(file, bytes.begin(), bytes.end()).second;
  FANIN_CHECK(fresh, input, "{}: a second file of the name {}; keep one CIFAR data set in a folder or archive", name,
              file);
}

void CifarFiles::take(CifarFormat format, const std::string& file, const std::string& source, DatasetParts& parts,
                      bool test) {
  const auto found = files_.find(file);
  FANIN_CHECK(found != files_.end(), input, "{}: {} is missing from the {} files; fetch or unpack them again", source,
              file, layout_of(format).name);
  parse_cifar(format, found->second, source + "/" + file, test ? parts.test_pixels : parts.train_pixels,
              test ? parts.test_labels : parts.train_labels);
  files_.erase(found);  // 30 or 150 MB that are not needed twice
}

std::vector<std::string> CifarFiles::class_names(CifarFormat format, const std::string& source) const {
  const Layout layout = layout_of(format);
  const auto found = files_.find(format == CifarFormat::cifar10 ? kNames10 : kNames100);
  std::vector<std::string> names;
  if (found == files_.end()) {
    for (int i = 0; i < layout.classes; ++i) names.push_back(fmt::format("class {}", i));
    return names;
  }
  std::istringstream lines(std::string(reinterpret_cast<const char*>(found->second.data()), found->second.size()));
  for (std::string line; std::getline(lines, line);) {
    while (!line.empty() && static_cast<unsigned char>(line.back()) <= ' ') line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  FANIN_CHECK(names.size() == static_cast<std::size_t>(layout.classes), input, "{}/{}: {} class names instead of {}",
              source, found->first, names.size(), layout.classes);
  return names;
}

DatasetParts CifarFiles::finish(const std::string& source, std::string& note) {
  const bool is_100 = files_.contains(kTrain100) || files_.contains(kTest100);
  const bool is_10 = files_.contains(kTrain10[0]) || files_.contains(kTest10);
  FANIN_CHECK(!(is_10 && is_100), input,
              "{}: holds files of both CIFAR-10 and CIFAR-100; import one of the two folders", source);
  const CifarFormat format = is_100 ? CifarFormat::cifar100 : CifarFormat::cifar10;
  DatasetParts parts;
  parts.name = is_100 ? "cifar100" : "cifar10";
  parts.image = {1, kSide, kSide, 3};
  parts.class_names = class_names(format, source);
  if (is_100) {
    take(format, kTrain100, source, parts, false);
    take(format, kTest100, source, parts, true);
  } else {
    for (const char* file : kTrain10) take(format, file, source, parts, false);
    take(format, kTest10, source, parts, true);
  }
  if (parts.train_labels.size() != kTrainImages || parts.test_labels.size() != kTestImages) {
    note = fmt::format("{} training and {} test images, where {} has {} and {}", parts.train_labels.size(),
                       parts.test_labels.size(), layout_of(format).name, kTrainImages, kTestImages);
  }
  return parts;
}

}  // namespace fanin
