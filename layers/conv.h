// Convolution over images: shape rules and parameters here, arithmetic behind core/kernels/conv2d.h.
//   weight (kernel, kernel, in / groups, out), He-style roles: conv_weight; optional bias (out): conv_bias
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"

namespace fanin {

struct ConvOptions {
  int out_channels = 1;
  int kernel = 3;
  int stride = 1;
  int padding = -1;  // -1: (kernel - 1) / 2, which keeps the size of an image under stride 1 and odd kernels
  int groups = 1;
  bool bias = false;
};

Node conv(Network& net, const std::string& name, Node x, const ConvOptions& options);

}  // namespace fanin
