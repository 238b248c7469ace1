// What an activation makes of a Gaussian pre-activation u ~ N(m, v), as functions of v for a fixed ratio m / sqrt(v):
// E f(u), E f(u)^2, E f'(u)^2. ReLU and leaky ReLU are exact; the others are tabulated over log v, 32 points a factor
// of e, and interpolated by cubics, which leaves a relative error below 1e-6 (a test compares with the integrals).
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <vector>

namespace fanin {

class GaussianActivation {
 public:
  enum class What { mean, square, slope_square };

  // For v in [lowest, highest], both above 0; smaller v count as `lowest` except for 0 itself. `slope` is that of
  // leaky_relu. Throws ErrorKind::usage for an unknown activation.
  GaussianActivation(std::string_view activation, double slope, double ratio, double lowest, double highest);

  double at(What what, double v) const;
  // E f(u) f(u') for two of variance v and correlation c.
  double product(double v, double c) const;

 private:
  double integral(What what, double v) const;

  double (*f_)(double) = nullptr;
  double (*derivative_)(double) = nullptr;
  bool leaky_ = false;  // relu is leaky with slope 0
  double slope_ = 0.0, ratio_ = 0.0, log_lowest_ = 0.0, step_ = 1.0, at_zero_[3] = {};
  std::vector<double> tables_[3];
};

}  // namespace fanin
