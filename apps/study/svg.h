// Line plots with bands as inline SVG: no script, no font file, nothing fetched. Colours are those of Okabe & Ito
// (2008), which people with any colour vision tell apart.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fanin {

std::string escape_html(std::string_view text);  // also safe inside attributes

struct PlotSeries {
  std::string name;
  std::vector<double> x, y;       // points that are not finite (or not positive on a log axis) are left out
  std::vector<double> low, high;  // a band, or empty
};

struct Plot {
  std::string title, x_label, y_label;
  bool log_y = false;
  std::vector<PlotSeries> series;  // series i has colour i, also in the legend
};
std::string svg(const Plot& plot);

struct IntervalRow {
  std::string name;
  double centre = 0, low = 0, high = 0;
  bool has_interval = false;
};
std::string svg_intervals(const std::string& title, const std::string& x_label, const std::vector<IntervalRow>& rows);

std::string_view series_colour(std::size_t index);

}  // namespace fanin
