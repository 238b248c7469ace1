// What the drawings of svg.h have in common: axes, words, lines of a style, legends. Lengths are SVG user units.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/svg.h"

namespace fanin::svg_parts {

constexpr double kWidth = 720, kHeight = 300, kLeft = 70, kRight = 16, kTop = 30, kBottom = 44;

// One axis: data to user units, linear or logarithmic.
struct Axis {
  double low = 0, high = 1, from = 0, to = 1;
  bool log = false;
  double map(double v) const;
  bool shows(double v) const;  // finite, and positive on a log axis
};
Axis make_axis(double low, double high, bool log, double from, double to);  // widened to what reads well
std::vector<double> ticks(const Axis& axis);                                // round numbers, about five of them

// Widens [low, high] by what an axis can show.
struct Range {
  double low, high;  // low > high: nothing yet
  Range();
  void add(double v, bool log);
};

std::string open_svg(double height, std::string_view title);
std::string words(double x, double y, const char* anchor, std::string_view text);
std::string grid_line(double x1, double y1, double x2, double y2);
double width_of(std::string_view text);  // about, in the drawing's font
// With an ellipsis where it is too wide; what stands behind the last " @ " stays.
std::string shortened(const std::string& text, double width);
// In lines that end after ':', ',' or '-'; what is still too wide is shortened.
std::vector<std::string> wrapped(const std::string& text, double width);
std::string point(const SeriesStyle& style, double x, double y, bool hollow);
std::string stroke(const SeriesStyle& style, bool reference);  // attributes of a line

// 0, 1, ... by first appearance, where no styles are given.
Styles styles_or_default(const Styles& given, const std::vector<std::string>& groups);

struct LegendEntry {
  std::string name;
  const SeriesStyle* style = nullptr;
  bool reference = false;
};
struct Legend {
  std::string svg;
  double height = 0;
};
Legend legend(const std::vector<LegendEntry>& entries, double top);

}  // namespace fanin::svg_parts
