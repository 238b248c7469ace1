// What a node computes, as data: for those who predict a network instead of running it (apps/study/moments.h).
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace fanin {

struct Traits {
  enum class Kind {
    other,  // nothing is known
    input,
    sum,
    concat,
    conv,            // kernel, stride, padding, groups, bias
    linear,          // bias
    activation,      // function, and number: the slope of leaky_relu
    batch_norm,      // number: epsilon
    average_pool,    // kernel, stride; the windows that hang over an edge are smaller
    max_pool,        // likewise
    global_average,  //
    flatten,
    pad_channels,
    dropout,  // number: the probability of a zero
    scalar_multiplier,
    scalar_bias
  };
  Kind kind = Kind::other;
  int kernel = 1, stride = 1, padding = 0, groups = 1;
  bool bias = false;
  std::string function = {};
  double number = 0.0;
};

}  // namespace fanin
