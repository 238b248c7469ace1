// The convolutions of a network, as its kernels see them.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"

#include <string>
#include <vector>

namespace fanin {

struct Convolution {
  int node = 0;  // row of Network::summary()
  std::string name;
  Conv2d conv;
  Shape x;             // what it reads, for one image
  bool first = false;  // it reads the network's input, of which nobody wants the gradient
};

std::vector<Convolution> convolutions(const std::vector<NodeSummary>& rows);

}  // namespace fanin
