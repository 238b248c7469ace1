// Augmentation and normalization of one image; choices come from stream augment/<epoch>/<image> of the run's seed.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/rng.h"
#include "data/dataset.h"

#include <string>

namespace fanin {

enum class Padding { black, mean, reflect };  // black: zero bytes; mean: zero after normalization; reflect: without repeating the edge

struct Augmentation {
  int pad = 0;                      // pixels on each side before a random crop of the original size; 0: no crop
  Padding padding = Padding::mean;
  bool mirror = false;              // left-right with probability 1/2
  int cutout = 0;                   // side of a square set to the mean (DeVries & Taylor 2017); 0: none
  std::vector<float> mean, std;     // normalization, per channel of pixels in [0, 1]
};

Augmentation parse_augmentation(const std::string& spec, const Dataset& dataset);  // "none", "crop,mirror", "crop:pad=4:padding=black,mirror,cutout:16"

// One image (H, W, C) of bytes to floats. Without crop, mirror and cutout `rng` is not used.
void augment(const Augmentation&, const Shape& image, const std::uint8_t* bytes, const Rng& rng, float* out);

}  // namespace fanin
