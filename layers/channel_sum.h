// Sums over pixels, one per channel, with the same bits on any number of threads: a partial sum per row block in the
// pass's scratch, added in block order in double.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/tensor.h"

#include <span>

namespace fanin {

std::size_t channel_sum_scratch(const Shape& shape);                                  // floats
void add_channel_sums(ConstView x, std::span<float> sums, std::span<float> scratch);  // sums[c] += sum over pixels of x

}  // namespace fanin
