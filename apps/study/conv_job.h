// What the plan of a network makes of its convolutions: which values they read through a BatchNorm and a ReLU, what they do
// besides, and what became of the nodes around them. Read off the plan; nothing here decides anything.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/convolutions.h"

#include <string>
#include <vector>

namespace fanin {

// One convolution as a training step calls it.
struct ConvJob {
  Convolution node;
  std::ptrdiff_t x_stride = 0, y_stride = 0, dy_stride = 0, dx_stride = 0;  // floats between pixels
  bool affine = false, relu = false;                                        // at the load: BatchNorm, ReLU
  enum class Add { none, in_place, other } add = Add::none;                 // the other operand of a sum
  bool moments = false;                                                     // statistics of what it writes
  // The gradient of its input.
  bool wanted = true;
  Write write = Write::overwrite;
  bool finishes = false, finish_affine = false, mask = false, sums = false, scaled = false;
};

// A node of the network, for `fanin kernels`.
struct NodePlan {
  std::string name, layer;
  std::string forward, backward;  // what the plan makes of both passes, in words
  int conv = -1;                  // index of its ConvJob
};

struct NetworkPlan {
  std::vector<NodePlan> nodes;
  std::vector<ConvJob> convolutions;
};

NetworkPlan network_plan(const Network& net, Node output, int batch);

}  // namespace fanin
