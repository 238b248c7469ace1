// What a page says, and that no text given to it can be more than text.
// SPDX-License-Identifier: MIT
#include "apps/study/page.h"
#include "apps/study/svg.h"
#include "core/check.h"
#include "tests/support/html.h"

#include <gtest/gtest.h>

#include <limits>

namespace fanin {
namespace {

const std::string kHostile = "</script></style><img src=x onerror=\"alert(1)\">'&";

Plot plot_named(const std::string& name) {
  Plot plot{.title = name, .x_label = name, .y_label = name, .log_y = true, .series = {}};
  plot.series.push_back({name, {1, 2, 3}, {0.1, 10.0, -1.0}, {0.05, 5.0, 1.0}, {0.2, 20.0, 2.0}});
  plot.series.push_back({"other", {1, 2, 3}, {1.0, std::numeric_limits<double>::quiet_NaN(), 2.0}, {}, {}});
  return plot;
}

HeatMap map_named(const std::string& name) {
  return {.title = name,
          .x_label = name,
          .y_label = name,
          .value_label = name,
          .columns = {name, "b"},
          .rows = {name},
          .values = {{1.0, std::numeric_limits<double>::quiet_NaN()}},
          .overlay = {{name, {0, 1}, {0, 0}, {}, {}}}};
}

HistogramStack stack_named(const std::string& name) {
  return {
      .title = name,
      .x_label = name,
      .slider_label = name,
      .frames = {{name, {{name, -1, 1, {1, 2, 1}}, {"other", -2, 2, {0, 4, 4}}}}, {"b", {{name, -1, 1, {4, 0, 0}}}}}};
}

Page everything(const std::string& text) {
  Page page(text, Language::en);
  page.heading(2, text);
  page.paragraph(text);
  page.note(text);
  page.link("beside.html", text);
  page.list({text});
  page.table({text, "b"}, {{text, "1"}});
  page.details(text, {text}, {{text}});
  page.details(text, text);
  page.figure(plot_named(text));
  page.figure(map_named(text));
  page.figure(stack_named(text));
  page.intervals(text, text, {{text, 1.0, 0.5, 2.0, true}, {"b", 1.0, 0.0, 0.0, false}});
  page.command(text);
  return page;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(Page, HostileTextIsText) {
  const std::string page = everything(kHostile).html();
  test::expect_self_contained(page);
  EXPECT_TRUE(test::tags_of(page, "img").empty());
  // The same elements as with a harmless text: nothing that was given has become one.
  const std::vector<test::HtmlTag> harmless = test::tags_of(everything("a").html()), hostile = test::tags_of(page);
  ASSERT_EQ(hostile.size(), harmless.size());
  for (std::size_t i = 0; i < hostile.size(); ++i) EXPECT_EQ(hostile[i].name, harmless[i].name);
  EXPECT_GE(count(page, "&lt;/script&gt;"), 12u);
}

TEST(Page, SpeaksItsLanguage) {
  Page page("权重", Language::zh);
  page.command("fanin probe");
  EXPECT_NE(page.html().find("<html lang=\"zh-CN\">"), std::string::npos);
  EXPECT_NE(page.html().find("生成本页的命令"), std::string::npos);
}

TEST(Page, RefusesWhatItCannotHold) {
  Page page("a", Language::en);
  EXPECT_THROW(page.heading(1, "b"), Error);
  EXPECT_THROW(page.link("https://example.org", "b"), Error);
  EXPECT_THROW(page.link("//example.org", "b"), Error);
}

TEST(Page, GroupsKeepTheirStyle) {
  Page page("a", Language::en);
  Plot first = plot_named("x"), second = plot_named("y");
  page.figure(first);
  second.series[1].name = "x";  // second in this figure, but first on the page
  page.figure(second);
  const std::vector<test::HtmlTag> figures = test::tags_of(page.html(), "polygon");
  ASSERT_EQ(figures.size(), 2u);
  EXPECT_EQ(figures[0].attributes.at("fill"), series_style(0).colour);
  EXPECT_EQ(figures[1].attributes.at("fill"), series_style(2).colour) << "y is the third name on the page";
}

TEST(Page, ManyGroupsDifferWithinAFigure) {
  Page page("a", Language::en);
  Plot plot = plot_named("x");
  for (int i = 0; i < 7; ++i) {
    plot.series[0].name = "x" + std::to_string(i);
    page.figure(plot);  // x0, other, x1, ...: the ninth name would look like the first
  }
  plot.series[0].name = "x0";
  plot.series[1].name = "x6";
  Page fresh = page;
  const std::size_t before = page.html().size();
  fresh.figure(plot);
  const std::string figure = fresh.html().substr(before - 40);
  EXPECT_NE(figure.find(series_style(0).colour), std::string::npos);
  EXPECT_NE(figure.find(series_style(7).colour), std::string::npos);
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

TEST(Svg, LongNamesEndInAnEllipsis) {
  Plot plot = plot_named(std::string(300, 'w'));
  EXPECT_NE(svg(plot).find("w…</text>"), std::string::npos);
}

}  // namespace
}  // namespace fanin
