// SPDX-License-Identifier: MIT
#include "core/graph/parameter.h"

namespace fanin {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::conv_weight: return "conv_weight";
    case Role::linear_weight: return "linear_weight";
    case Role::conv_bias: return "conv_bias";
    case Role::linear_bias: return "linear_bias";
    case Role::norm_scale: return "norm_scale";
    case Role::norm_shift: return "norm_shift";
    case Role::scalar_multiplier: return "scalar_multiplier";
    case Role::scalar_bias: return "scalar_bias";
  }
  return "unknown";
}

void to_file_order(const WeightShape& shape, std::span<const float> from, std::span<float> to) {
  for_each_element(shape, [&](std::size_t hwio, std::size_t oihw) { to[oihw] = from[hwio]; });
}

void from_file_order(const WeightShape& shape, std::span<const float> from, std::span<float> to) {
  for_each_element(shape, [&](std::size_t hwio, std::size_t oihw) { to[hwio] = from[oihw]; });
}

}  // namespace fanin
