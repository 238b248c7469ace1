// Fan: how many inputs feed one output of a weight, and how many outputs one input feeds. Computed here and nowhere
// else.
//   fan_in  = kernel_height * kernel_width * (in_channels  / groups)
//   fan_out = kernel_height * kernel_width * (out_channels / groups)
// PyTorch's fan_out does not divide by groups (pytorch#23854); FanCount::torch reproduces that.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/shape.h"

namespace fanin {

struct Fan {
  double in = 0, out = 0;
};

enum class FanCount { exact, torch };
enum class FanMode { in, out, average, geometric_mean };

inline Fan fan(const WeightShape& w, FanCount count = FanCount::exact) {
  const double taps = w.taps();
  const double out = count == FanCount::exact ? w.out_per_group : w.out_channels();
  return {taps * w.in_per_group, taps * out};
}

double fan_by_mode(const Fan& fan, FanMode mode);
const char* to_string(FanMode mode);  // "fan_in", "fan_out", "fan_avg", "fan_geo"

}  // namespace fanin
