// SPDX-License-Identifier: MIT
#include "apps/study/svg_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace fanin {

using namespace svg_parts;

namespace {

constexpr double kPanelWidth = 240, kPanelHeight = 120;

struct Panel {
  double left, top;
  Range x;
  double highest = 0;  // share of the fullest bin
};

double sum_of(const HistogramSeries& s) { return std::accumulate(s.counts.begin(), s.counts.end(), 0.0); }

// Steps along the shares of the bins.
std::string outline(const HistogramSeries& s, const Panel& panel, const SeriesStyle& style) {
  const double sum = sum_of(s), bottom = panel.top + kPanelHeight - 24, height = kPanelHeight - 50;
  if (!(sum > 0.0) || !(s.high > s.low) || panel.highest <= 0.0) return "";
  const Axis x{panel.x.low, panel.x.high, panel.left + 8, panel.left + kPanelWidth - 8, false};
  std::string path = fmt::format("M{:.1f} {:.1f}", x.map(s.low), bottom);
  for (std::size_t i = 0; i < s.counts.size(); ++i)
    path += fmt::format(
        "V{:.1f}H{:.1f}", bottom - height * (s.counts[i] / sum) / panel.highest,
        x.map(s.low + (s.high - s.low) * static_cast<double>(i + 1) / static_cast<double>(s.counts.size())));
  return fmt::format("<path data-group=\"{}\" {} d=\"{}V{:.1f}\"/>", escape_html(s.name), stroke(style, false), path,
                     bottom);
}

}  // namespace

std::vector<std::string> groups_of(const HistogramStack& stack) {
  std::vector<std::string> names;
  for (const HistogramFrame& frame : stack.frames)
    for (const HistogramSeries& s : frame.series)
      if (std::find(names.begin(), names.end(), s.name) == names.end()) names.push_back(s.name);
  return names;
}

// All frames, as small multiples.
std::string svg(const HistogramStack& stack, const Styles& given) {
  const std::vector<std::string> names = groups_of(stack);
  const Styles styles = styles_or_default(given, names);
  const auto style_of = [&](const std::string& name) -> const SeriesStyle& {
    return series_style(styles[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin())]);
  };
  std::string panels;
  double top = kTop;
  for (std::size_t f = 0; f < stack.frames.size(); ++f) {
    const HistogramFrame& frame = stack.frames[f];
    if (f > 0 && f % 3 == 0) top += kPanelHeight;
    Panel panel{kPanelWidth * static_cast<double>(f % 3), top, {}, 0};
    for (const HistogramSeries& s : frame.series) {
      panel.x.add(s.low, false);
      panel.x.add(s.high, false);
      for (const double c : s.counts) panel.highest = std::max(panel.highest, c / std::max(1e-300, sum_of(s)));
    }
    const double bottom = top + kPanelHeight - 24;
    panels += words(panel.left + 8, top + 14, "start", shortened(frame.label, kPanelWidth - 16)) +
              grid_line(panel.left + 8, bottom, panel.left + kPanelWidth - 8, bottom);
    if (panel.x.low <= panel.x.high)
      panels += words(panel.left + 8, bottom + 14, "start", fmt::format("{:.3g}", panel.x.low)) +
                words(panel.left + kPanelWidth - 8, bottom + 14, "end", fmt::format("{:.3g}", panel.x.high));
    for (const HistogramSeries& s : frame.series) panels += outline(s, panel, style_of(s.name));
  }
  const double bottom = top + kPanelHeight + 16;
  std::vector<LegendEntry> entries;
  for (std::size_t i = 0; i < names.size(); ++i) entries.push_back({names[i], &series_style(styles[i]), false});
  const Legend key = legend(entries, bottom + 6);
  return open_svg(bottom + 6 + key.height, stack.title) +
         words(8, kTop - 12, "start", shortened(stack.title, kWidth - 16)) + panels +
         words(kWidth / 2, bottom - 4, "middle", stack.x_label) + key.svg + "</svg>";
}

}  // namespace fanin
