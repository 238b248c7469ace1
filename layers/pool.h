// Pooling without parameters. Windows of average_pool and max_pool lie wholly inside the image (no padding), or with
// `ceil` hang over its right and bottom edge, where they hold only the pixels that exist (PyTorch's ceil_mode).
//   average_pool          mean over kernel x kernel pixels
//   max_pool              maximum; the gradient goes to the first maximum of a window, as in PyTorch
//   global_average_pool   (N, H, W, C) -> (N, 1, 1, C)
//   flatten               (N, H, W, C) -> (N, 1, 1, H * W * C), pixel after pixel
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"

namespace fanin {

struct PoolOptions {
  int kernel = 2;
  int stride = 0;  // 0: the kernel
  bool ceil = false;
};

Node average_pool(Network& net, const std::string& name, Node x, const PoolOptions& options = {});
Node max_pool(Network& net, const std::string& name, Node x, const PoolOptions& options = {});
Node global_average_pool(Network& net, const std::string& name, Node x);
Node flatten(Network& net, const std::string& name, Node x);

}  // namespace fanin
