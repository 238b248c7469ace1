// SPDX-License-Identifier: MIT
#include "apps/study/svg_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace fanin {

const SeriesStyle& series_style(std::size_t index) {
  static constexpr std::string_view colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                 "#e69f00", "#56b4e9", "#7f7f7f", "#b8a800"};
  static constexpr std::string_view dashes[] = {"", "8 3", "8 3 2 3", "14 4", "5 2", "14 3 2 3", "8 3 2 3 2 3", "4 4"};
  static constexpr std::string_view shapes[] = {"circle",   "triangle", "rect", "rectRot",
                                                "crossRot", "cross",    "star", "rectRounded"};
  // After eight the colours come again, with other dashes and shapes each round.
  static const std::vector<SeriesStyle> styles = [] {
    std::vector<SeriesStyle> all;
    for (std::size_t i = 0; i < kSeriesStyles; ++i)
      all.push_back({colours[i % 8], dashes[(i + i / 8) % 8], shapes[(i + i / 8) % 8]});
    return all;
  }();
  return styles[index % kSeriesStyles];
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

namespace svg_parts {

double Axis::map(double v) const {
  const double share =
      log ? (std::log10(v) - std::log10(low)) / (std::log10(high) - std::log10(low)) : (v - low) / (high - low);
  return from + share * (to - from);
}

bool Axis::shows(double v) const { return std::isfinite(v) && (!log || v > 0.0); }

Range::Range() : low(std::numeric_limits<double>::infinity()), high(-low) {}

void Range::add(double v, bool log) {
  if (!std::isfinite(v) || (log && v <= 0.0)) return;
  low = std::min(low, v);
  high = std::max(high, v);
}

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

std::string open_svg(double height, std::string_view title) {
  return fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" "
      "fill=\"currentColor\" role=\"img\" aria-label=\"{}\">",
      kWidth, height, escape_html(title));
}

std::string words(double x, double y, const char* anchor, std::string_view text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", x, y, anchor, escape_html(text));
}

std::string grid_line(double x1, double y1, double x2, double y2) {
  return fmt::format(
      "<line stroke=\"currentColor\" stroke-opacity=\".2\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>",
      x1, y1, x2, y2);
}

double width_of(std::string_view text) {
  double width = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    width += byte < 0x80 ? 6.6 : byte >= 0xe0 ? 12.0 : byte >= 0xc0 ? 6.6 : 0.0;  // Chinese is three bytes a character
  }
  return width;
}

std::vector<std::string> wrapped(const std::string& text, double width) {
  std::vector<std::string> lines(1);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t mark = text.find_first_of(":,-", begin);
    const std::string part = text.substr(begin, mark == std::string::npos ? mark : mark + 1 - begin);
    if (!lines.back().empty() && width_of(lines.back() + part) > width) lines.emplace_back();
    lines.back() += part;
    begin += part.size();
  }
  for (std::string& line : lines) line = shortened(line, width);
  return lines;
}

std::string shortened(const std::string& text, double width) {
  if (width_of(text) <= width) return text;
  // Rows of one scheme differ in the learning rate behind it alone.
  if (const std::size_t at = text.rfind(" @ "); at != std::string::npos && at > 0) {
    const std::string rate = text.substr(at);
    if (width_of(rate) < width / 2) return shortened(text.substr(0, at), width - width_of(rate)) + rate;
  }
  std::size_t end = 0, next = 0;
  while (next < text.size() && width_of(text.substr(0, next)) + 12.0 <= width) {
    end = next++;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80) ++next;
  }
  return text.substr(0, end) + "…";
}

std::string point(const SeriesStyle& style, double x, double y, bool hollow) {
  const std::string_view shape = style.shape;
  std::string path;
  if (shape == "circle") path = "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z";
  if (shape == "triangle") path = "m0 -4l4 7h-8z";
  if (shape == "rect") path = "m-3.2 -3.2h6.4v6.4h-6.4z";
  if (shape == "rectRot") path = "m0 -4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z";
  if (shape == "rectRounded") path = "m-2 -3.5h4l1.5 1.5v4l-1.5 1.5h-4l-1.5 -1.5v-4z";
  if (shape == "crossRot" || shape == "star") path += "m-3.5 -3.5l7 7m-7 0l7 -7m-3.5 3.5";
  if (shape == "cross" || shape == "star") path += "m-4 0h8m-4 -4v8";
  return fmt::format("<path fill=\"{}\" stroke=\"{}\" stroke-width=\"1.5\" d=\"M{:.1f} {:.1f}{}\"/>",
                     hollow ? "none" : style.colour, style.colour, x, y, path);
}

std::string stroke(const SeriesStyle& style, bool reference) {
  const std::string_view dash = reference ? "2 4" : style.dash;
  return fmt::format("fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{}", style.colour,
                     dash.empty() ? "" : fmt::format(" stroke-dasharray=\"{}\"", dash));
}

Styles styles_or_default(const Styles& given, const std::vector<std::string>& groups) {
  if (given.size() == groups.size()) return given;
  Styles result;
  std::vector<std::string> seen;
  for (const std::string& group : groups) {
    const auto at = std::find(seen.begin(), seen.end(), group);
    result.push_back(static_cast<std::size_t>(at - seen.begin()));
    if (at == seen.end()) seen.push_back(group);
  }
  return result;
}

Legend legend(const std::vector<LegendEntry>& entries, double top) {
  constexpr double kSwatch = 34, kGap = 18, kRow = 18;
  Legend result;
  if (entries.empty()) return result;
  double x = 10, y = top + 12;
  for (const LegendEntry& entry : entries) {
    const std::string name = shortened(entry.name, kWidth - 20 - kSwatch);
    const double width = kSwatch + width_of(name) + kGap;
    if (x > 10 && x + width > kWidth) x = 10, y += kRow;
    result.svg += fmt::format("<path {} d=\"M{:.1f} {:.1f}h28\"/>", stroke(*entry.style, entry.reference), x, y - 4) +
                  point(*entry.style, x + 14, y - 4, entry.reference) + words(x + kSwatch, y, "start", name);
    x += width;
  }
  result.height = y - top + 8;
  return result;
}

}  // namespace svg_parts

}  // namespace fanin
