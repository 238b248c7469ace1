// Honest numbers from few seeds.
//   quartiles           linear interpolation between order statistics (Hyndman & Fan 1996, type 7)
//   paired differences  the interval is the wider, at each end, of Student's t and a percentile bootstrap over seeds.
//                       With 3 seeds the bootstrap alone covers the truth in about 75 % of cases instead of 95; t
//                       covers it if differences are about normal.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace fanin {

double mean(std::span<const double> values);
double quantile(std::vector<double> values, double probability);  // values not empty
struct Quartiles {
  double low = 0, median = 0, high = 0;
};
Quartiles quartiles(const std::vector<double>& values);

struct Interval {
  double low = 0, high = 0;
  bool contains(double x) const { return low <= x && x <= high; }
};

double student_t_quantile(double probability, int degrees);  // degrees >= 1, 0.5 <= probability < 1

// 95 % interval of the mean of paired differences; nothing for fewer than 2. Same differences, same interval.
std::optional<Interval> paired_interval(std::span<const double> differences, double confidence = 0.95);

}  // namespace fanin
