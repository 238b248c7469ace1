// Small arithmetic of lessons: lines through points, curves made smooth.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/page.h"

#include <string>
#include <vector>

namespace fanin {

// Of the least-squares line through the points; NaN for fewer than two.
double slope_of(const std::vector<double>& x, const std::vector<double>& y);

// The loss of steps 1, 2, ... as means over neighbouring `window` steps.
PlotSeries smooth_series(const std::string& name, const std::vector<double>& loss, int window);

// 0, 1, 2, ..., count - 1 plus `first`.
std::vector<double> count_from(double first, std::size_t count);

double median_of(std::vector<double> values);  // NaN for none

}  // namespace fanin
