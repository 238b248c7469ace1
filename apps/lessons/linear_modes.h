// The two-layer linear network whose learning has an exact solution (Saxe et al. 2014, equation 12): gradient descent on
// 1/2 mean |y - W2 W1 x|^2 with whitened inputs, from a start that is balanced and decoupled along the singular vectors
// of the input-output map. The strength u of a mode of strength s then follows
//   u(t) = s e / (e - 1 + s / u0),   e = exp(2 s t rate),   t in steps, rate -> 0
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

namespace fanin {

struct ModeCourse {
  double strength = 0;                         // s
  std::vector<double> step, measured, theory;  // u; t
};

struct ModeRun {
  std::vector<ModeCourse> modes;
  double largest_error = 0;  // of |measured - theory| / s over all steps and modes
};

// Layers and optimizer of the library. `start` is u0.
ModeRun learn_modes(const std::vector<double>& strengths, double start, double rate, int steps, std::uint64_t seed);

}  // namespace fanin
