// A data set in memory or mapped from a cache: bytes, labels, names, and the constants that normalize it.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/shape.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fanin {

struct Split {                           // one part of a data set
  std::span<const std::uint8_t> pixels;  // (N, H, W, C) bytes
  std::span<const std::int32_t> labels;  // N class indices
  int size() const { return static_cast<int>(labels.size()); }
};

struct Dataset {
  std::string name;  // "synthetic", "cifar10", a folder's name
  Shape image;       // images = 1
  std::vector<std::string> class_names;
  Split train, test;
  std::vector<float> mean, std;         // per channel, of pixels in [0, 1]
  std::string fingerprint;              // hash of pixels and labels: part of a run's configuration
  std::shared_ptr<const void> storage;  // keeps the spans alive

  int classes() const { return static_cast<int>(class_names.size()); }
};

// Mean and standard deviation (over all pixels, divisor n) per channel of pixels in [0, 1]. A constant channel gets
// std 1.
struct ChannelConstants {
  std::vector<float> mean, std;
};
ChannelConstants measure_channels(std::span<const std::uint8_t> pixels, int channels);

// "dataset" (the measured constants) or published ones: "cifar10", "bamos", "cifar100-fb". Throws ErrorKind::usage.
ChannelConstants normalization(std::string_view preset, const Dataset& dataset);
struct NormalizationPreset {
  std::string_view name, source;
  std::array<double, 3> mean, std;  // of pixels in [0, 1]
};
std::span<const NormalizationPreset> normalization_presets();

std::string measure_fingerprint(const Dataset& dataset);  // 16 hexadecimal digits of XXH3 over shape, pixels and labels

// Sizes, labels and constants fit together; throws ErrorKind::input naming `source` and the first thing that does not.
void validate(const Dataset& dataset, const std::string& source);

// What an importer collects. assemble() measures the constants and the fingerprint, validates, and takes ownership.
struct DatasetParts {
  std::string name;
  Shape image;
  std::vector<std::string> class_names;
  std::vector<std::uint8_t> train_pixels, test_pixels;
  std::vector<std::int32_t> train_labels, test_labels;
};
Dataset assemble(DatasetParts parts, const std::string& source);

}  // namespace fanin
