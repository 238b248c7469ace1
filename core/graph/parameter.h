// What a network learns and what it merely keeps. A parameter's dotted path ("group0.block0.conv0.weight") is its
// random stream, its key in a checkpoint, its row in a report and its prefix in an error.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/tensor.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fanin {

// What a parameter is for; a scheme decides by role.
enum class Role {
  conv_weight,
  linear_weight,
  conv_bias,
  linear_bias,
  norm_scale,
  norm_shift,
  scalar_multiplier,
  scalar_bias
};
std::string_view to_string(Role role);  // "conv_weight", ...

struct Parameter {
  std::string name;  // full path after Network::add
  Role role = Role::conv_weight;
  WeightShape shape;
  std::span<float> value;  // NaN from Network::prepare until a scheme fills it; HWIO
  std::span<float> grad;   // layers add to it; zeroed by Network::backward
};

// Weights are HWIO in memory and OIHW (PyTorch's order) in files. `from` and `to` have p.shape.size() floats.
void to_file_order(const WeightShape& shape, std::span<const float> from, std::span<float> to);
void from_file_order(const WeightShape& shape, std::span<const float> from, std::span<float> to);

// State that is saved but not trained, such as a running mean.
struct StateBuffer {
  std::string name;
  std::vector<float> value;
};

}  // namespace fanin
