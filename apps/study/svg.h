// Figures as SVG: no script, no style sheet, no font file, nothing fetched, so that a drawing is the same inside a page
// and in a file of its own. Colours are those of Okabe & Ito (2008), which people with any colour vision tell apart;
// dashes and shapes of points say the same without colour.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/figure.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fanin {

std::string escape_html(std::string_view text);  // also safe inside attributes

// Of a group of series. There are kSeriesStyles different ones, the first eight of different colours.
struct SeriesStyle {
  std::string_view colour, dash, shape;  // stroke-dasharray; the shape's name as Chart.js knows it
};
constexpr std::size_t kSeriesStyles = 64;
const SeriesStyle& series_style(std::size_t index);

// `styles`, one a series, are indices of series_style; empty: 0, 1, ... by group. Of a heat map they are the overlay's,
// of a histogram stack those of the names in their order of appearance.
using Styles = std::vector<std::size_t>;
std::string svg(const Plot& plot, const Styles& styles = {});
std::string svg(const HeatMap& map, const Styles& styles = {});
std::string svg(const HistogramStack& stack, const Styles& styles = {});
std::string svg_intervals(const std::string& title, const std::string& x_label, const std::vector<IntervalRow>& rows);

// A drawing as a file of its own, dark on white.
std::string svg_file(const std::string& drawing);

// What styles belong to, in order.
std::vector<std::string> groups_of(const std::vector<PlotSeries>& series);  // one a series
std::vector<std::string> groups_of(const HistogramStack& stack);            // each once

}  // namespace fanin
