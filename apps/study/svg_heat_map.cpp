// SPDX-License-Identifier: MIT
#include "apps/study/svg_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

using namespace svg_parts;

namespace {

// Seven colours of viridis (van der Walt & Smith 2015), which rises evenly in lightness: it reads in grey as well.
struct Colour {
  double r, g, b;
};
constexpr std::array<Colour, 7> kRamp = {
    {{68, 1, 84}, {70, 50, 126}, {54, 92, 141}, {39, 127, 142}, {31, 161, 135}, {74, 193, 109}, {253, 231, 37}}};

std::string colour_at(double share) {
  const double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(kRamp.size() - 1);
  const std::size_t i = std::min(kRamp.size() - 2, static_cast<std::size_t>(place));
  const double t = place - static_cast<double>(i);
  const auto mix = [t](double a, double b) { return static_cast<int>(std::lround(a + t * (b - a))); };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(kRamp[i].r, kRamp[i + 1].r), mix(kRamp[i].g, kRamp[i + 1].g),
                     mix(kRamp[i].b, kRamp[i + 1].b));
}

std::string short_number(double v) { return fmt::format("{:.3g}", v); }

// At most about `most` labels, evenly.
std::size_t every_of(std::size_t count, std::size_t most) {
  return std::max<std::size_t>(1, (count + most - 1) / most);
}

std::string scale(const Range& range, double left, double top, const std::string& label) {
  constexpr double kStep = 12;
  std::string out = words(left, top + 11, "start", short_number(range.low));
  double x = left + width_of(short_number(range.low)) + 6;
  for (int i = 0; i < 12; ++i, x += kStep)
    out += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{}\" height=\"12\" fill=\"{}\"/>", x, top, kStep,
                       colour_at(i / 11.0));
  return out + words(x + 6, top + 11, "start", short_number(range.high) + "  " + label);
}

}  // namespace

std::string svg(const HeatMap& map, const Styles& given) {
  const std::size_t rows = map.values.size(), columns = map.columns.size();
  double left = 44;  // the label of the rows, then their names
  for (const std::string& row : map.rows) left = std::max(left, std::min(240.0, width_of(row) + 32));
  const double cell_w = (kWidth - kRight - left) / static_cast<double>(std::max<std::size_t>(1, columns)),
               cell_h = std::clamp(420.0 / static_cast<double>(std::max<std::size_t>(1, rows)), 6.0, 30.0),
               bottom = kTop + cell_h * static_cast<double>(rows);
  Range range;
  for (const std::vector<double>& row : map.values)
    for (const double v : row) range.add(v, false);
  const double span = range.high > range.low ? range.high - range.low : 1.0;
  const Styles styles = styles_or_default(given, groups_of(map.overlay));
  std::vector<LegendEntry> entries;
  for (std::size_t i = 0; i < map.overlay.size(); ++i)
    entries.push_back({map.overlay[i].name, &series_style(styles[i]), map.overlay[i].reference});
  constexpr double kLine = 14;
  const std::size_t every = every_of(columns, static_cast<std::size_t>((kWidth - left) / 60));
  std::vector<std::vector<std::string>> names_of;  // the lines of a column's name
  std::size_t lines = 1;
  for (const std::string& column : map.columns) {
    names_of.push_back(wrapped(column, cell_w * static_cast<double>(every) - 4));
    lines = std::max(lines, names_of.back().size());
  }
  const double below = bottom + kLine * static_cast<double>(lines - 1);  // where one line of names would have its cells
  const Legend names = legend(entries, below + 62);
  std::string out =
      open_svg(below + 62 + names.height, map.title) + words(10, kTop - 12, "start", shortened(map.title, kWidth - 20));
  out += fmt::format("<text transform=\"translate(14 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
                     (kTop + bottom) / 2, escape_html(shortened(map.y_label, bottom - kTop)));
  const bool numbers = cell_w >= 34 && cell_h >= 14;
  for (std::size_t r = 0; r < rows; ++r) {
    const double y = bottom - cell_h * static_cast<double>(r + 1);
    if (r < map.rows.size() && r % every_of(rows, static_cast<std::size_t>(420 / 14)) == 0)
      out += words(left - 6, y + cell_h / 2 + 4, "end", shortened(map.rows[r], left - 28));
    for (std::size_t c = 0; c < map.values[r].size(); ++c) {
      const double x = left + cell_w * static_cast<double>(c), v = map.values[r][c], share = (v - range.low) / span;
      const bool known = std::isfinite(v);
      const std::string row = r < map.rows.size() ? map.rows[r] : "",
                        says = fmt::format("{}, {}: {}", row, c < columns ? map.columns[c] : "",
                                           known ? fmt::format("{:.6g}", v) : std::string("–"));
      out += fmt::format(
          "<rect class=\"cell\" data-row=\"{}\" data-column=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
          "height=\"{:.1f}\" {}><title>{}</title></rect>",
          r, c, x, y, cell_w, cell_h,
          known ? fmt::format("fill=\"{}\"", colour_at(share))
                : std::string("fill=\"none\" stroke=\"currentColor\" stroke-opacity=\".3\""),
          escape_html(says));
      if (numbers)
        out += fmt::format(
            "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\" font-size=\"11\" "
            "pointer-events=\"none\"{}>{}</text>",
            x + cell_w / 2, y + cell_h / 2 + 4,
            !known         ? ""
            : share > 0.55 ? " fill=\"#000\""
                           : " fill=\"#fff\"",
            known ? short_number(v) : "–");
    }
  }
  for (std::size_t c = 0; c < columns; c += every)
    for (std::size_t i = 0; i < names_of[c].size(); ++i)
      out += words(left + cell_w * (static_cast<double>(c) + 0.5), bottom + 16 + kLine * static_cast<double>(i),
                   "middle", names_of[c][i]);
  out += words((left + kWidth - kRight) / 2, below + 34, "middle", map.x_label);
  for (std::size_t i = 0; i < map.overlay.size(); ++i) {
    const PlotSeries& s = map.overlay[i];
    std::string path;
    for (std::size_t k = 0; k < s.x.size(); ++k)
      if (std::isfinite(s.x[k]) && std::isfinite(s.y[k]))
        path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", left + cell_w * (s.x[k] + 0.5),
                            bottom - cell_h * (s.y[k] + 0.5));
    // A light rim keeps the line apart from cells of any colour.
    out += fmt::format(
        "<g pointer-events=\"none\"><path fill=\"none\" stroke=\"#fff\" stroke-width=\"5\" d=\"{0}\"/>"
        "<path {1} d=\"{0}\"/></g>",
        path, stroke(*entries[i].style, s.reference), escape_html(s.key()));
  }
  if (range.low <= range.high) out += scale(range, 10, below + 42, map.value_label);
  return out + names.svg + "</svg>";
}

}  // namespace fanin
