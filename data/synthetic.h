// The built-in data set: 32 x 32 RGB images of ten figures (disc, ring, square, ...), each somewhere near the middle,
// of varying size, tilt, stretch, colour and texture, on textured backgrounds, under noise, small stray figures and now
// and then a line. Colour and brightness say nothing about the class. In the spirit of Glorot & Bengio's Shapeset
// (2010). It is made so that wrn-10-1 reaches about 80 % in 300 steps of 64 images from a good start and half of that
// from a bad one. Image i of a split depends on (seed, split, i) only: stream synthetic/<split>/<i>. Only +, -, *, /
// are used, so the bytes are the same everywhere.
// SPDX-License-Identifier: MIT
#pragma once

#include "data/dataset.h"

namespace fanin {

struct SyntheticOptions {
  int train = 2000, test = 1000;  // images, spread evenly over the classes
  std::uint64_t seed = 0;
};

Dataset synthetic_dataset(const SyntheticOptions& options = {});  // throws ErrorKind::usage

}  // namespace fanin
