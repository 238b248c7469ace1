// Filters that are drawn as a whole, from a Gaussian whose covariance between taps is a closed form of the kernel's size
// and the layer's depth d, 0 for the first such layer and 1 for the last:
//   C(p, q) = v sqrt(u(p) u(q)) (r(p, q) - u(p) u(q) / 2),   r(p, q) = exp(-|p - q|^2 / (2 s^2)),   u(p) = r(p, centre)
//   s = side of the kernel * (first + (last - first) d),   v such that the mean of C(p, p) is gain^2 / fan_in
// So a filter is smooth over s taps and fades over as many from the centre tap; half of what it shares with the centre
// is taken out, by which taps on opposite sides of the centre lean against each other. C is positive semi-definite: u is
// the centre's column of r, so that r - u u^T is what r leaves once the centre is known, and r - u u^T / 2 lies between.
// The idea, of a closed form with a block for each tap that widens with depth, is that of Trockman, Willmott & Kolter
// 2023 (arXiv 2210.03651), for depthwise convolutions. The form is fanin's own; it has not been compared with theirs.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

#include <vector>

namespace fanin {

struct CovarianceOptions {
  double depth = 0.5, first = 0.1, last = 0.4, gain = 1.0;
};

// Each filter, of one input and one output channel, is such a draw; one of a single tap is N(0, gain^2 / fan_in). Throws
// ErrorKind::usage unless 0 <= depth <= 1 and the others are above 0.
InitializerPtr covariance(const CovarianceOptions& options);

// C of the taps of a kernel, row after row, taps x taps, scaled to a mean of 1 on the diagonal. s > 0, in taps.
std::vector<double> tap_covariance(int rows, int columns, double s);

}  // namespace fanin
