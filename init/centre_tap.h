// Where a convolution acts as a matrix over channels: its centre tap, size / 2 as in torch.nn.init.dirac_. A linear
// layer has one tap, so that the same index serves both.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/shape.h"

namespace fanin {

// Of output channel `out` (over all groups) and input channel `in` of its group, in file order (OIHW).
inline std::size_t centre_tap(const WeightShape& shape, int out, int in) {
  const int centre = shape.kernel_height / 2 * shape.kernel_width + shape.kernel_width / 2;
  return static_cast<std::size_t>((out * shape.in_per_group + in) * shape.taps() + centre);
}

}  // namespace fanin
