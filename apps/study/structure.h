// Symmetry and rank of a weight or its gradient, as matrices of outputs x inputs, group by group. Units with the same
// weights and the same gradients stay the same for ever: a layer of them is one unit (the reason why weights are drawn
// at random; Goodfellow et al. 2016, section 8.4).
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/shape.h"

#include <optional>
#include <span>

namespace fanin {

struct MatrixStructure {
  int full_rank = 0;        // sum over groups of min(outputs, inputs)
  std::optional<int> rank;  // singular values above max(outputs, inputs) * 2^-23 of the group's largest; nothing if a
                            // group has more than kLargest of both, or a value is not finite
  double twins = 0;         // share of outputs that are the same as another one of their group, to 1e-5 of their length
};

inline constexpr int kLargest = 300;  // a rank takes some n^3 operations

MatrixStructure structure_of(const WeightShape& shape, std::span<const float> values);  // HWIO, rank 2 and more

}  // namespace fanin
