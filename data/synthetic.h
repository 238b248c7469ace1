// The built-in data set: 32 x 32 RGB images of ten figures (disc, ring, square, ...), each of any place, size, rotation, contrast
// and colour, striped or plain, on striped backgrounds with a gradient, under noise, stray figures and a crossing line. Colour and
// brightness say nothing about the class. In the spirit of Glorot & Bengio's Shapeset (2010).
// Image i of a split depends on (seed, split, i) only: stream synthetic/<split>/<i>. Only +, -, *, / are used, so the bytes are
// the same everywhere.
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
