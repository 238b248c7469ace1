// Small figures of every kind, with a text of one's choice everywhere.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/figure.h"

#include <limits>
#include <string>

namespace fanin::test {

inline Plot plot_named(const std::string& name) {
  Plot plot{.title = name, .x_label = name, .y_label = name, .log_y = true, .series = {}};
  plot.series.push_back({name, {1, 2, 3}, {0.1, 10.0, -1.0}, {0.05, 5.0, 1.0}, {0.2, 20.0, 2.0}});
  plot.series.push_back({"other", {1, 2, 3}, {1.0, std::numeric_limits<double>::quiet_NaN(), 2.0}, {}, {}});
  return plot;
}

inline HeatMap map_named(const std::string& name) {
  return {.title = name,
          .x_label = name,
          .y_label = name,
          .value_label = name,
          .columns = {name, "b"},
          .rows = {name},
          .values = {{1.0, std::numeric_limits<double>::quiet_NaN()}},
          .overlay = {{name, {0, 1}, {0, 0}, {}, {}}}};
}

inline HistogramStack stack_named(const std::string& name) {
  return {
      .title = name,
      .x_label = name,
      .slider_label = name,
      .frames = {{name, {{name, -1, 1, {1, 2, 1}}, {"other", -2, 2, {0, 4, 4}}}}, {"b", {{name, -1, 1, {4, 0, 0}}}}}};
}

inline std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace fanin::test
