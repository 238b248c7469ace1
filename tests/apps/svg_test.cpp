// Figures as drawings: what is drawn, and that it can be read without colour.
// SPDX-License-Identifier: MIT
#include "apps/study/svg.h"

#include "tests/support/figures.h"
#include "tests/support/html.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace fanin {
namespace {

using test::count;
using test::map_named;
using test::plot_named;

TEST(Svg, StylesAreDistinct) {
  std::set<std::string> all;
  for (std::size_t i = 0; i < kSeriesStyles; ++i) {
    const SeriesStyle& s = series_style(i);
    all.insert(fmt::format("{} {} {}", s.colour, s.dash, s.shape));
  }
  EXPECT_EQ(all.size(), kSeriesStyles);
}

TEST(Svg, SaysItWithoutColour) {
  const std::string drawing = svg(plot_named("a"));
  EXPECT_NE(drawing.find("stroke-dasharray=\"8 3\""), std::string::npos) << "the second line is dashed";
  EXPECT_EQ(count(drawing, "l4 7h-8z"), 3u) << "its points are triangles: two shown, one in the legend";
  Plot with_reference = plot_named("a");
  with_reference.series[1].reference = true;
  EXPECT_NE(svg(with_reference).find("stroke-dasharray=\"2 4\""), std::string::npos);
}

TEST(Svg, LeavesOutWhatAnAxisCannotShow) {
  Plot plot = plot_named("a");
  plot.log_x = true;
  plot.series = {{"a", {0, 1, 10, 100}, {1, 1, -1, 100}, {}, {}}};
  const std::string drawing = svg(plot);
  EXPECT_EQ(drawing.find("nan"), std::string::npos);
  EXPECT_EQ(drawing.find("inf"), std::string::npos);
  EXPECT_EQ(count(drawing, "a3.5 3.5 0 1 0 7 0"), 3u) << "x = 1 and 100, and the legend";
  // Two decades across, as wide as the frame: 1 is at the left edge, 100 at the right one.
  EXPECT_NE(drawing.find("d=\"M70.0 256.0M704.0 30.0\""), std::string::npos) << drawing;
}

TEST(Svg, EscapesAndLeavesOutWhatCannotBeDrawn) {
  Plot plot{.title = "<t>",
            .x_label = "x",
            .y_label = "y",
            .log_y = true,
            .series = {{"a&b", {1, 2, 3}, {1e-3, 0.0, 1e3}, {}, {}}}};
  const std::string text = svg(plot);
  EXPECT_EQ(text.find("<t>"), std::string::npos);
  EXPECT_NE(text.find("a&amp;b"), std::string::npos);
  EXPECT_EQ(text.find("nan"), std::string::npos);
  EXPECT_EQ(text.find("inf"), std::string::npos);
  EXPECT_NO_THROW(svg(Plot{}));
}

TEST(Svg, NothingToShowIsStillADrawing) {
  for (const std::string& drawing :
       {svg(Plot{.title = "a", .x_label = "", .y_label = "", .series = {}}), svg(HistogramStack{}),
        svg(HeatMap{
            .title = "a", .x_label = "", .y_label = "", .value_label = "", .columns = {}, .rows = {}, .values = {}})}) {
    EXPECT_TRUE(drawing.starts_with("<svg") && drawing.ends_with("</svg>"));
    EXPECT_EQ(drawing.find("nan"), std::string::npos) << drawing;
    EXPECT_EQ(drawing.find("inf"), std::string::npos) << drawing;
  }
}

TEST(Svg, HeatMapCellsSayTheirValue) {
  HeatMap map = map_named("a");
  map.values = {{1.0, std::numeric_limits<double>::quiet_NaN()}, {3.0, 2.0}};
  map.rows = {"low", "high"};
  const std::vector<test::HtmlTag> cells = test::tags_of(svg(map), "rect");
  ASSERT_EQ(cells.size(), 4u + 12u) << "and the scale";
  EXPECT_EQ(cells[0].attributes.at("fill"), "#440154") << "the lowest value";
  EXPECT_EQ(cells[1].attributes.at("fill"), "none");
  EXPECT_EQ(cells[2].attributes.at("fill"), "#fde725") << "the highest";
  EXPECT_LT(std::stod(cells[2].attributes.at("y")), std::stod(cells[0].attributes.at("y"))) << "rows go up";
  EXPECT_NE(svg(map).find("<title>high, b: 2</title>"), std::string::npos);
}

// Six networks whose names differ at their ends alone stay different: their names are broken into lines.
TEST(Svg, LongNamesOfColumnsTakeSeveralLines) {
  HeatMap map{
      .title = "a", .x_label = "", .y_label = "", .value_label = "", .columns = {}, .rows = {"r"}, .values = {{}}};
  for (const char* end : {"widen=1", "widen=2", "widen=3", "widen=4", "norm=bn", "norm=none"}) {
    map.columns.push_back(std::string("resnext-29-4x4d:") + end);
    map.values[0].push_back(1.0);
  }
  const std::string drawing = svg(map);
  for (const char* line : {"resnext-29-4x4d:", "widen=3", "norm=none"})
    EXPECT_NE(drawing.find(std::string(line) + "</text>"), std::string::npos) << line << drawing;
  EXPECT_EQ(drawing.find("…"), std::string::npos) << drawing;
}

TEST(Svg, LongNamesEndInAnEllipsis) {
  Plot plot = plot_named(std::string(300, 'w'));
  EXPECT_NE(svg(plot).find("w…</text>"), std::string::npos);
  // Two rows of one scheme, at different rates, stay different.
  const std::string name(100, 'w');
  const std::string drawing =
      svg_intervals("a", "x", {{name + " @ lr 0.02", 1, 0, 2, true}, {name + " @ lr 0.1", 1, 0, 2, true}});
  EXPECT_NE(drawing.find("w… @ lr 0.02</text>"), std::string::npos) << drawing;
  EXPECT_NE(drawing.find("w… @ lr 0.1</text>"), std::string::npos);
}

}  // namespace
}  // namespace fanin
