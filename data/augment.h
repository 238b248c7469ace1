// Augmentation and normalization of one image; choices come from stream augment/<epoch>/<image> of the run's seed.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/rng.h"
#include "data/dataset.h"

#include <string>

namespace fanin {

enum class Padding {
  black,
  mean,
  reflect
};  // black: zero bytes; mean: zero after normalization; reflect: without repeating the edge

struct Augmentation {
  int pad = 0;  // pixels on each side before a random crop of the original size; 0: no crop
  Padding padding = Padding::mean;
  bool mirror = false;           // left-right with probability 1/2
  int cutout = 0;                // side of a square set to the mean (DeVries & Taylor 2017); 0: none
  std::vector<float> mean, std;  // normalization, per channel of pixels in [0, 1]

  bool draws() const { return pad > 0 || mirror || cutout > 0; }
};

// "none", "crop,mirror", "crop:pad=4:padding=black,mirror,cutout:16". Normalizes with the data set's constants; for
// published ones set mean and std from normalization(). Throws ErrorKind::usage.
Augmentation parse_augmentation(const std::string& spec, const Dataset& dataset);

// What test images get: the same normalization and nothing drawn.
Augmentation normalization_only(const Augmentation& augmentation);

// One image (H, W, C) of bytes to floats. Without crop, mirror and cutout `rng` is not used. Draw 0 and 1 are the
// crop's row and column, 2 the mirror, 3 and 4 the centre of the cutout, whichever of them are in use: switching one
// off changes no other.
void augment(const Augmentation&, const Shape& image, const std::uint8_t* bytes, const Rng& rng, float* out);

}  // namespace fanin
