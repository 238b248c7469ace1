// SPDX-License-Identifier: MIT
#include "data/dataset.h"

#include "core/check.h"
#include "core/rng.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <set>

namespace fanin {

namespace {

constexpr int kLargestSide = 8192, kLargestChannels = 16;

constexpr NormalizationPreset kPresets[] = {
    {"cifar10",
     "wide-residual-networks, fb.resnet.torch and ResNeXt.pytorch: the bytes 125.3 123.0 113.9 / 63.0 62.1 66.7",
     {125.3 / 255, 123.0 / 255, 113.9 / 255},
     {63.0 / 255, 62.1 / 255, 66.7 / 255}},
    {"bamos",
     "densenet.pytorch: measured on CIFAR-10 to eight digits",
     {0.49139968, 0.48215827, 0.44653124},
     {0.24703233, 0.24348505, 0.26158768}},
    {"cifar100-fb",
     "fb.resnet.torch for CIFAR-100: the bytes 129.3 124.1 112.4 / 68.2 65.4 70.4",
     {129.3 / 255, 124.1 / 255, 112.4 / 255},
     {68.2 / 255, 65.4 / 255, 70.4 / 255}},
};

void validate_split(const Split& split, const Dataset& d, const char* name, const std::string& source) {
  FANIN_CHECK(!split.labels.empty(), input, "{}: the {} split is empty; a data set needs images in both splits", source,
              name);
  FANIN_CHECK(split.labels.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()) / 2, input,
              "{}: {} {} images are more than an index can hold", source, split.labels.size(), name);
  const std::size_t expected = split.labels.size() * d.image.size();
  FANIN_CHECK(split.pixels.size() == expected, input, "{}: the {} split has {} labels but {} pixel bytes instead of {}",
              source, name, split.labels.size(), split.pixels.size(), expected);
  for (std::size_t i = 0; i < split.labels.size(); ++i) {
    FANIN_CHECK(split.labels[i] >= 0 && split.labels[i] < d.classes(), input,
                "{}: {} image {} has label {}, but there are {} classes", source, name, i, split.labels[i],
                d.classes());
  }
}

}  // namespace

std::span<const NormalizationPreset> normalization_presets() { return kPresets; }

ChannelConstants measure_channels(std::span<const std::uint8_t> pixels, int channels) {
  const std::size_t stride = static_cast<std::size_t>(channels);
  std::vector<std::array<std::uint64_t, 256>> counts(stride);  // exact, so the order of pixels cannot matter
  for (std::size_t i = 0; i + stride <= pixels.size(); i += stride) {
    for (std::size_t c = 0; c < stride; ++c) ++counts[c][pixels[i + c]];
  }
  ChannelConstants result;
  for (const std::array<std::uint64_t, 256>& histogram : counts) {
    double n = 0, sum = 0, squares = 0;
    for (std::size_t value = 0; value < 256; ++value) {
      n += static_cast<double>(histogram[value]);
      sum += static_cast<double>(histogram[value]) * static_cast<double>(value);
    }
    const double mean = n > 0 ? sum / n : 0;
    for (std::size_t value = 0; value < 256; ++value) {
      const double distance = static_cast<double>(value) - mean;
      squares += static_cast<double>(histogram[value]) * distance * distance;
    }
    const double std = n > 0 ? std::sqrt(squares / n) : 0;
    result.mean.push_back(static_cast<float>(mean / 255));
    result.std.push_back(std > 0 ? static_cast<float>(std / 255) : 1.0f);
  }
  return result;
}

ChannelConstants normalization(std::string_view preset, const Dataset& dataset) {
  if (preset == "dataset") return {dataset.mean, dataset.std};
  std::string known = "dataset";
  for (const NormalizationPreset& p : kPresets) {
    known += fmt::format(", {}", p.name);
    if (p.name != preset) continue;
    FANIN_CHECK(dataset.image.channels == 3, usage, "normalization {}: made for 3 channels, {} has {}; use dataset",
                preset, dataset.name, dataset.image.channels);
    return {{p.mean.begin(), p.mean.end()}, {p.std.begin(), p.std.end()}};
  }
  fail(ErrorKind::usage, "normalization \"{}\" is unknown; choose from {}", preset, known);
}

std::string measure_fingerprint(const Dataset& d) {
  const std::int32_t shape[] = {d.image.height, d.image.width,  d.image.channels,
                                d.classes(),    d.train.size(), d.test.size()};
  std::uint64_t hash = hash_bytes(shape, sizeof shape);
  for (const Split* split : {&d.train, &d.test}) {
    hash = hash_bytes(split->pixels.data(), split->pixels.size_bytes(), hash);
    hash = hash_bytes(split->labels.data(), split->labels.size_bytes(), hash);
  }
  return fmt::format("{:016x}", hash);
}

void validate(const Dataset& d, const std::string& source) {
  FANIN_CHECK(
      d.image.height > 0 && d.image.width > 0 && d.image.height <= kLargestSide && d.image.width <= kLargestSide, input,
      "{}: images of {}x{} pixels; sides must be 1 to {}", source, d.image.height, d.image.width, kLargestSide);
  FANIN_CHECK(d.image.channels > 0 && d.image.channels <= kLargestChannels, input,
              "{}: {} channels; 1 to {} are possible", source, d.image.channels, kLargestChannels);
  FANIN_CHECK(d.classes() >= 2, input, "{}: {} classes; a classifier needs at least 2", source, d.classes());
  std::set<std::string_view> names;
  for (const std::string& name : d.class_names) {
    FANIN_CHECK(names.insert(name).second, input, "{}: two classes are named \"{}\"", source, name);
  }
  validate_split(d.train, d, "train", source);
  validate_split(d.test, d, "test", source);
  const std::size_t channels = static_cast<std::size_t>(d.image.channels);
  FANIN_CHECK(d.mean.size() == channels && d.std.size() == channels, input,
              "{}: {} channels, but {} means and {} standard deviations", source, channels, d.mean.size(),
              d.std.size());
  for (std::size_t c = 0; c < channels; ++c) {
    FANIN_CHECK(std::isfinite(d.mean[c]) && std::isfinite(d.std[c]) && d.std[c] > 0, input,
                "{}: channel {} has mean {} and standard deviation {}", source, c, d.mean[c], d.std[c]);
  }
}

Dataset assemble(DatasetParts parts, const std::string& source) {
  const std::shared_ptr<const DatasetParts> owned = std::make_shared<const DatasetParts>(std::move(parts));
  Dataset d{.name = owned->name,
            .image = owned->image.with_images(1),
            .class_names = owned->class_names,
            .train = {owned->train_pixels, owned->train_labels},
            .test = {owned->test_pixels, owned->test_labels},
            .mean = {},
            .std = {},
            .fingerprint = {},
            .storage = owned};
  ChannelConstants constants = measure_channels(d.train.pixels, d.image.channels);
  d.mean = std::move(constants.mean);
  d.std = std::move(constants.std);
  d.fingerprint = measure_fingerprint(d);
  validate(d, source);
  return d;
}

}  // namespace fanin
