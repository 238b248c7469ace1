// Every initializer and every scheme by name: what `fanin list` prints and what `--scheme` accepts.
//   kaiming_normal           kaiming_normal:mode=fan_out,a=0.1          normal:std=0.01
//                            conv=orthogonal;linear=xavier_uniform
// SPDX-License-Identifier: MIT
#pragma once

#include "init/scheme.h"

#include <string_view>
#include <vector>

namespace fanin {

struct InitializerEntry {
  std::string name, options, formula,
      source;  // "mode=fan_in|fan_out, a=0", "N(0, 2 / ((1 + a^2) fan))", "He et al. 2015"
};
const std::vector<InitializerEntry>& initializer_catalog();

// Throws ErrorKind::usage: unknown name ("did you mean"), unknown option, bad value; lists what is legal.
InitializerPtr make_initializer(std::string_view spec);

// A scheme is an initializer spec for conv and linear weights (bias 0, norm scale 1, shift 0, scalars 1 and 0), or
// "role=spec;role=spec" with roles conv, linear, conv_bias, linear_bias, bias, norm_scale, norm_shift,
// scalar_multiplier, scalar_bias on top of those defaults (linear defaults to the same as conv unless given).
std::unique_ptr<Scheme> make_scheme(std::string_view spec);

}  // namespace fanin
