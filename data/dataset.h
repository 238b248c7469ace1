// A data set in memory or mapped from a cache: bytes, labels, names, and the constants that normalize it.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/shape.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace fanin {

struct Split {  // one part of a data set
  std::span<const std::uint8_t> pixels;  // (N, H, W, C) bytes
  std::span<const std::int32_t> labels;  // N class indices
  int size() const { return static_cast<int>(labels.size()); }
};

struct Dataset {
  std::string name;                     // "synthetic", "cifar10", a folder's name
  Shape image;                          // images = 1
  std::vector<std::string> class_names;
  Split train, test;
  std::vector<float> mean, std;         // per channel, of pixels in [0, 1]
  std::string fingerprint;              // hash of pixels and labels: part of a run's configuration
  std::shared_ptr<const void> storage;  // keeps the spans alive

  int classes() const { return static_cast<int>(class_names.size()); }
};

}  // namespace fanin
