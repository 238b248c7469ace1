// SPDX-License-Identifier: MIT
#include "apps/study/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace fanin {

namespace {

constexpr double kWidth = 720, kHeight = 300, kLeft = 70, kRight = 16, kTop = 30, kBottom = 44;

// One axis: data to pixels, linear or logarithmic.
struct Axis {
  double low = 0, high = 1, from = 0, to = 1;
  bool log = false;
  double map(double v) const {
    const double share =
        log ? (std::log10(v) - std::log10(low)) / (std::log10(high) - std::log10(low)) : (v - low) / (high - low);
    return from + share * (to - from);
  }
  bool shows(double v) const { return std::isfinite(v) && (!log || v > 0.0); }
};

Axis make_axis(double low, double high, bool log, double from, double to) {
  if (!(low <= high)) low = log ? 0.1 : 0.0, high = 1.0;  // nothing to show
  if (log) {
    low = std::pow(10.0, std::floor(std::log10(low)));
    high = std::pow(10.0, std::ceil(std::log10(high)));
    if (low == high) high *= 10.0;
  } else if (low == high) {
    low -= 0.5;
    high += 0.5;
  }
  return {low, high, from, to, log};
}

// Round numbers, about five of them.
std::vector<double> ticks(const Axis& axis) {
  std::vector<double> result;
  if (axis.log) {
    const int first = static_cast<int>(std::lround(std::log10(axis.low))),
              last = static_cast<int>(std::lround(std::log10(axis.high)));
    const int step = std::max(1, (last - first + 5) / 6);
    for (int e = first; e <= last; e += step) result.push_back(std::pow(10.0, e));
    return result;
  }
  const double rough = (axis.high - axis.low) / 5.0, power = std::pow(10.0, std::floor(std::log10(rough)));
  const double ratio = rough / power, step = power * (ratio < 1.5 ? 1.0 : ratio < 3.5 ? 2.0 : ratio < 7.5 ? 5.0 : 10.0);
  for (double v = std::ceil(axis.low / step) * step; v <= axis.high + 1e-9 * step; v += step)
    result.push_back(std::fabs(v) < 1e-9 * step ? 0.0 : v);
  return result;
}

std::string text_at(double x, double y, const char* anchor, std::string_view text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", x, y, anchor, escape_html(text));
}

std::string frame(const Axis& x, const Axis& y, const Plot& plot) {
  std::string out;
  for (const double v : ticks(y))
    out += fmt::format("<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", kLeft,
                       kWidth - kRight, y.map(v), y.map(v)) +
           text_at(kLeft - 6, y.map(v) + 4, "end", fmt::format("{:g}", v));
  for (const double v : ticks(x)) out += text_at(x.map(v), kHeight - kBottom + 18, "middle", fmt::format("{:g}", v));
  out += text_at(kLeft, kTop - 12, "start", plot.title + ": " + plot.y_label);
  out += text_at((kLeft + kWidth - kRight) / 2, kHeight - 8, "middle", plot.x_label);
  return out;
}

std::string line_of(const PlotSeries& s, const Axis& x, const Axis& y, std::string_view colour) {
  std::string path;
  bool pen_down = false;
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    if (!y.shows(s.y[i])) {
      pen_down = false;
      continue;
    }
    path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", x.map(s.x[i]), y.map(s.y[i]));
    pen_down = true;
  }
  return fmt::format("<path class=\"line\" stroke=\"{}\" d=\"{}\"><title>{}</title></path>", colour, path,
                     escape_html(s.name));
}

std::string band_of(const PlotSeries& s, const Axis& x, const Axis& y, std::string_view colour) {
  if (s.low.empty()) return "";
  std::string upper, lower;
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    if (!y.shows(s.low[i]) || !y.shows(s.high[i])) continue;
    upper += fmt::format("{:.1f},{:.1f} ", x.map(s.x[i]), y.map(s.high[i]));
    lower = fmt::format("{:.1f},{:.1f} ", x.map(s.x[i]), y.map(s.low[i])) + lower;
  }
  return fmt::format("<polygon class=\"band\" fill=\"{}\" points=\"{}{}\"/>", colour, upper, lower);
}

std::string open_svg(double height, const std::string& title) {
  return fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">", kWidth, height,
                     escape_html(title));
}

}  // namespace

std::string_view series_colour(std::size_t index) {
  static constexpr std::string_view colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                 "#e69f00", "#56b4e9", "#7f7f7f", "#b8a800"};
  return colours[index % std::size(colours)];
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return out;
}

std::string svg(const Plot& plot) {
  double x_low = std::numeric_limits<double>::infinity(), x_high = -x_low, y_low = x_low, y_high = -x_low;
  const auto widen = [&](double v) {
    if (!std::isfinite(v) || (plot.log_y && v <= 0.0)) return;
    y_low = std::min(y_low, v);
    y_high = std::max(y_high, v);
  };
  for (const PlotSeries& s : plot.series) {
    for (const double v : s.x) x_low = std::min(x_low, v), x_high = std::max(x_high, v);
    for (const std::vector<double>* values : {&s.y, &s.low, &s.high})
      for (const double v : *values) widen(v);
  }
  const Axis x = make_axis(x_low, x_high, false, kLeft, kWidth - kRight),
             y = make_axis(y_low, y_high, plot.log_y, kHeight - kBottom, kTop);
  std::string out = open_svg(kHeight, plot.title) + frame(x, y, plot);
  for (std::size_t i = 0; i < plot.series.size(); ++i) out += band_of(plot.series[i], x, y, series_colour(i));
  for (std::size_t i = 0; i < plot.series.size(); ++i) out += line_of(plot.series[i], x, y, series_colour(i));
  out += "</svg><p class=\"legend\">";
  for (std::size_t i = 0; i < plot.series.size(); ++i)
    out += fmt::format("<span><i style=\"background:{}\"></i>{}</span> ", series_colour(i),
                       escape_html(plot.series[i].name));
  return out + "</p>";
}

std::string svg_intervals(const std::string& title, const std::string& x_label, const std::vector<IntervalRow>& rows) {
  constexpr double kRow = 24, kNames = 300;
  double low = 0.0, high = 0.0;
  for (const IntervalRow& row : rows) {
    low = std::min({low, row.centre, row.has_interval ? row.low : row.centre});
    high = std::max({high, row.centre, row.has_interval ? row.high : row.centre});
  }
  const double height = kTop + kRow * static_cast<double>(rows.size()) + kBottom;
  const Axis x = make_axis(low, high, false, kNames, kWidth - kRight);
  std::string out = open_svg(height, title) + text_at(10, kTop - 12, "start", title);
  for (const double v : ticks(x))
    out += fmt::format("<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>", x.map(v),
                       kTop, height - kBottom) +
           text_at(x.map(v), height - kBottom + 18, "middle", fmt::format("{:g}", v));
  out += fmt::format("<line class=\"zero\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>", x.map(0.0),
                     kTop, height - kBottom);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double y = kTop + kRow * (static_cast<double>(i) + 0.5);
    out += text_at(kNames - 10, y + 4, "end", rows[i].name);
    if (rows[i].has_interval)
      out += fmt::format("<line class=\"interval\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>",
                         x.map(rows[i].low), x.map(rows[i].high), y, y);
    out += fmt::format("<circle class=\"centre\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"/>", x.map(rows[i].centre), y);
  }
  return out + text_at((kNames + kWidth - kRight) / 2, height - 8, "middle", x_label) + "</svg>";
}

}  // namespace fanin
