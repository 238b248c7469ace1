// Independent draws whose variance follows the weight's fan. One formula serves every scale rule of the field:
//   Var(w) = scale / fan,   fan = fan_in, fan_out, their mean or their geometric mean
// LeCun is (1, fan_in), Glorot (gain^2, fan_avg), He (2 / (1 + a^2), fan), PyTorch's default (1/3, fan_in, uniform).
// The catalog has the rows.
// Draws: normal; uniform on +-sqrt(3 Var); truncated normal: cut at 2 deviations and widened so that Var is that after
// the cut.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/fan.h"
#include "init/initializer.h"

namespace fanin {

enum class Draw { normal, truncated_normal, uniform };

struct VarianceScaling {
  double scale = 1.0;
  FanMode fan = FanMode::in;
  Draw draw = Draw::normal;
  FanCount count = FanCount::exact;
  bool biases =
      false;  // also fills a bias, with the fan of its layer's weight; else a vector is an error, as in PyTorch
};

InitializerPtr variance_scaling(const VarianceScaling& rule);

}  // namespace fanin
