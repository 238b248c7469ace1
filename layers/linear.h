// Fully connected layer, a 1x1 convolution of a 1x1 image plus bias: y = x W + b.
//   weight (in x out), linear_weight; bias (out), linear_bias
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"

namespace fanin {

struct LinearOptions {
  int out = 1;
  bool bias = true;
};

// The input must be (N, 1, 1, C): put global_average_pool or flatten in front.
Node linear(Network& net, const std::string& name, Node x, const LinearOptions& options);

}  // namespace fanin
