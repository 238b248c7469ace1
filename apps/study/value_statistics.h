// What there is to say about the values of one node on one batch. Sums are over row blocks in block order, in double:
// the same bits for any number of threads.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/traits.h"
#include "core/tensor/tensor.h"

#include <vector>

namespace fanin {

// Counts of values in equal bins; what lies outside is in the first or last one.
struct Histogram {
  double low = 0, high = 0;
  std::vector<double> counts;
};

struct ValueStatistics {
  double mean = 0, std = 0;  // over images, pixels and channels
  double square = 0;         // the second moment, mean of v^2
  double zeros = 0;          // share of values that are exactly 0
  double saturated = 0;  // share where the activation's slope is below 1/20 of its steepest; 0 for relu and the like
  double dead = 0;       // share of channels that are 0 at every pixel of every image
};

// `histogram`, if given, has its edges and bins already and is added to. Not finite if a value is not.
ValueStatistics statistics_of(ConstView values, const Traits& traits, Histogram* histogram = nullptr);

// Mean over pairs of different images, of the first `images` at most, of <a, b> / (|a| |b|): what the correlation map
// of mean-field theory is about (init/mean_field.h). NaN if there are no two images that are not 0.
double pair_correlation(ConstView values, int images = 16);

}  // namespace fanin
