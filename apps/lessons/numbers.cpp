// SPDX-License-Identifier: MIT
#include "apps/lessons/numbers.h"

#include "apps/study/statistics.h"

#include <limits>

namespace fanin {

double slope_of(const std::vector<double>& x, const std::vector<double>& y) {
  if (x.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  const double mx = mean(x), my = mean(y);
  double xy = 0.0, xx = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mx) * (y[i] - my);
    xx += (x[i] - mx) * (x[i] - mx);
  }
  return xy / xx;
}

PlotSeries smooth_series(const std::string& name, const std::vector<double>& loss, int window) {
  PlotSeries series{name, {}, {}, {}, {}};
  const std::size_t step = static_cast<std::size_t>(window);
  for (std::size_t i = 0; i + step <= loss.size(); i += step) {
    series.x.push_back(static_cast<double>(i) + 0.5 * window + 0.5);
    series.y.push_back(mean({loss.data() + i, step}));
  }
  return series;
}

std::vector<double> count_from(double first, std::size_t count) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(first + static_cast<double>(i));
  return values;
}

double median_of(std::vector<double> values) {
  return values.empty() ? std::numeric_limits<double>::quiet_NaN() : quantile(std::move(values), 0.5);
}

}  // namespace fanin
