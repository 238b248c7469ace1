// Fan: how many inputs feed one output of a weight, and how many outputs one input feeds. Computed here and nowhere
// else.
//   exact    fan_in = kernel_height * kernel_width * in_channels / groups, fan_out likewise with out_channels / groups
//   torch    fan_out does not divide by groups (pytorch#23854); so do Keras and JAX
//   ignored  neither divides: PyTorch's defaults up to 0.4 and the Torch7 codes
// A bias has the fans of its layer's weight.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/shape.h"

namespace fanin {

struct Fan {
  double in = 0, out = 0;
};

enum class FanCount { exact, torch, ignored };
enum class FanMode { in, out, average, geometric_mean };

Fan fan(const WeightShape& w, FanCount count = FanCount::exact);
double fan_by_mode(const Fan& fan, FanMode mode);

const char* to_string(FanMode mode);    // "fan_in", "fan_out", "fan_avg", "fan_geo"
const char* to_string(FanCount count);  // what to append to a description; "" for exact

}  // namespace fanin
