// SPDX-License-Identifier: MIT
#include "apps/study/svg.h"

#include "apps/study/svg_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

using namespace svg_parts;

namespace {

std::string x_name(const Plot& plot, double v, double width) {
  if (plot.x_names.empty()) return fmt::format("{:g}", v);
  const bool whole = v >= 0.0 && v == std::floor(v) && v < static_cast<double>(plot.x_names.size());
  return whole ? shortened(plot.x_names[static_cast<std::size_t>(v)], width) : "";
}

std::string frame(const Axis& x, const Axis& y, const Plot& plot) {
  std::string out;
  for (const double v : ticks(y))
    out += grid_line(kLeft, y.map(v), kWidth - kRight, y.map(v)) +
           words(kLeft - 6, y.map(v) + 4, "end", fmt::format("{:g}", v));
  const std::vector<double> marks = ticks(x);
  const double width = (x.to - x.from) / static_cast<double>(std::max<std::size_t>(1, marks.size())) - 4;
  for (const double v : marks) out += words(x.map(v), kHeight - kBottom + 18, "middle", x_name(plot, v, width));
  out += words(kLeft, kTop - 12, "start",
               shortened(plot.y_label.empty() ? plot.title : plot.title + ": " + plot.y_label, kWidth - kLeft));
  return out + words((kLeft + kWidth - kRight) / 2, kHeight - 8, "middle", plot.x_label);
}

// Points at some positions only, at others for another series, so that lines on top of each other stay apart.
std::string line_of(const PlotSeries& s, const Axis& x, const Axis& y, const SeriesStyle& style, std::size_t shift) {
  constexpr std::size_t kPoints = 12;
  const std::size_t every = (s.x.size() + kPoints - 1) / kPoints;
  std::string path, points;
  bool pen_down = false;
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    if (!y.shows(s.y[i]) || !x.shows(s.x[i])) {
      pen_down = false;
      continue;
    }
    path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", x.map(s.x[i]), y.map(s.y[i]));
    pen_down = true;
    if (i % every == shift % every) points += point(style, x.map(s.x[i]), y.map(s.y[i]), s.reference);
  }
  return fmt::format("<g data-group=\"{}\"><title>{}</title><path {} d=\"{}\"/>{}</g>", escape_html(s.key()),
                     escape_html(s.name), stroke(style, s.reference), path, points);
}

// `kind` says when a page shows the band: page/shared.js.
std::string band_of(const PlotSeries& s, const std::vector<double>& low, const std::vector<double>& high,
                    const char* kind, const Axis& x, const Axis& y, std::string_view colour) {
  std::string upper, lower;
  for (std::size_t i = 0; i < std::min(low.size(), high.size()); ++i) {
    if (!y.shows(low[i]) || !y.shows(high[i]) || !x.shows(s.x[i])) continue;
    upper += fmt::format("{:.1f},{:.1f} ", x.map(s.x[i]), y.map(high[i]));
    lower = fmt::format("{:.1f},{:.1f} ", x.map(s.x[i]), y.map(low[i])) + lower;
  }
  if (upper.empty()) return "";
  return fmt::format(
      "<g data-group=\"{}\"><polygon data-band=\"{}\"{} fill=\"{}\" fill-opacity=\".18\" "
      "points=\"{}{}\"/></g>",
      escape_html(s.key()), kind, std::string_view(kind) == "range" ? " display=\"none\"" : "", colour, upper, lower);
}

}  // namespace

std::vector<std::string> groups_of(const std::vector<PlotSeries>& series) {
  std::vector<std::string> result;
  for (const PlotSeries& s : series) result.push_back(s.key());
  return result;
}

std::string svg(const Plot& plot, const Styles& given) {
  Range x_range, y_range;
  for (const PlotSeries& s : plot.series) {
    for (const double v : s.x) x_range.add(v, plot.log_x);
    for (const std::vector<double>* values : {&s.y, &s.low, &s.high, &s.least, &s.most})
      for (const double v : *values) y_range.add(v, plot.log_y);
  }
  const Axis x = make_axis(x_range.low, x_range.high, plot.log_x, kLeft, kWidth - kRight),
             y = make_axis(y_range.low, y_range.high, plot.log_y, kHeight - kBottom, kTop);
  const Styles styles = styles_or_default(given, groups_of(plot.series));
  std::vector<LegendEntry> entries;
  for (std::size_t i = 0; i < plot.series.size(); ++i)
    entries.push_back({plot.series[i].name, &series_style(styles[i]), plot.series[i].reference});
  const Legend names = legend(entries, kHeight);
  std::string out = open_svg(kHeight + names.height, plot.title) + frame(x, y, plot);
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    const PlotSeries& s = plot.series[i];
    const std::string_view colour = entries[i].style->colour;
    out += band_of(s, s.low, s.high, s.least.empty() ? "only" : "quartiles", x, y, colour) +
           band_of(s, s.least, s.most, "range", x, y, colour);
  }
  for (std::size_t i = 0; i < plot.series.size(); ++i) out += line_of(plot.series[i], x, y, *entries[i].style, i);
  return out + names.svg + "</svg>";
}

std::string svg_intervals(const std::string& title, const std::string& x_label, const std::vector<IntervalRow>& rows) {
  constexpr double kRow = 24, kNames = 300;
  Range range;
  range.add(0.0, false);
  for (const IntervalRow& row : rows) {
    range.add(row.centre, false);
    if (row.has_interval) range.add(row.low, false), range.add(row.high, false);
  }
  const double height = kTop + kRow * static_cast<double>(rows.size()) + kBottom, bottom = height - kBottom;
  const Axis x = make_axis(range.low, range.high, false, kNames, kWidth - kRight);
  std::string out = open_svg(height, title) + words(10, kTop - 12, "start", shortened(title, kWidth - 20));
  for (const double v : ticks(x))
    out += grid_line(x.map(v), kTop, x.map(v), bottom) + words(x.map(v), bottom + 18, "middle", fmt::format("{:g}", v));
  out += fmt::format(
      "<line stroke=\"currentColor\" stroke-dasharray=\"4 3\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" "
      "y2=\"{2:.1f}\"/>",
      x.map(0.0), kTop, bottom);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double y = kTop + kRow * (static_cast<double>(i) + 0.5);
    const std::string interval =
        rows[i].has_interval ? fmt::format(" [{:.4g}, {:.4g}]", rows[i].low, rows[i].high) : std::string();
    out += fmt::format("<g data-group=\"{0}\"><title>{0}: {1:.4g}{2}</title>", escape_html(rows[i].name),
                       rows[i].centre, interval) +
           words(kNames - 10, y + 4, "end", shortened(rows[i].name, kNames - 20));
    if (rows[i].has_interval)
      out += fmt::format(
          "<path stroke=\"currentColor\" stroke-width=\"2\" d=\"M{0:.1f} {2:.1f}H{1:.1f}m0 -4v8M{0:.1f} "
          "{2:.1f}m0 -4v8\"/>",
          x.map(rows[i].low), x.map(rows[i].high), y);
    out += fmt::format("<circle fill=\"#d55e00\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"/></g>", x.map(rows[i].centre), y);
  }
  return out + words((kNames + kWidth - kRight) / 2, height - 8, "middle", x_label) + "</svg>";
}

std::string svg_file(const std::string& drawing) {
  constexpr std::string_view kOpening = "<svg ";
  return std::string(kOpening) + "xmlns=\"http://www.w3.org/2000/svg\" style=\"background:#fff;color:#1a1a1a\" " +
         drawing.substr(kOpening.size()) + "\n";
}

}  // namespace fanin
