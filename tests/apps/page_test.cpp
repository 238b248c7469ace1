// What a page says, and that no text given to it can be more than text.
// SPDX-License-Identifier: MIT
#include "apps/study/page.h"
#include "apps/study/page_data.h"
#include "apps/study/svg.h"
#include "core/check.h"
#include "tests/support/figures.h"
#include "tests/support/html.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <nlohmann/json.hpp>

namespace fanin {
namespace {

using test::count;
using test::map_named;
using test::plot_named;
using test::stack_named;

const std::string kHostile = "</script></style><img src=x onerror=\"alert(1)\">'&";

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
  page.figure(Pictures{text, text, {{text, 2, 1, 1, {0.5f, -0.5f}}, {text, 1, 1, 3, {1, 2, 3}}}});
  page.intervals(text, text, {{text, 1.0, 0.5, 2.0, true}, {"b", 1.0, 0.0, 0.0, false}});
  page.command(text);
  return page;
}

TEST(Page, HostileTextIsText) {
  const std::string page = everything(kHostile).html();
  test::expect_self_contained(page);
  EXPECT_EQ(test::tags_of(page, "img").size(), 2u) << "the two tiles";
  // The same elements as with a harmless text: nothing that was given has become one.
  const std::vector<test::HtmlTag> harmless = test::tags_of(everything("a").html()), hostile = test::tags_of(page);
  ASSERT_EQ(hostile.size(), harmless.size());
  for (std::size_t i = 0; i < hostile.size(); ++i) EXPECT_EQ(hostile[i].name, harmless[i].name);
  EXPECT_GE(count(page, "&lt;/script&gt;"), 12u);
}

TEST(Page, DataOfFiguresIsJsonThatEndsNoScript) {
  std::size_t figures = 0;
  for (const test::HtmlTag& tag : test::tags_of(everything(kHostile).html(), "script")) {
    if (!tag.attributes.count("type")) continue;
    ++figures;
    EXPECT_EQ(tag.attributes.at("type"), "application/json");
    EXPECT_EQ(tag.raw.find('<'), std::string::npos);
    EXPECT_EQ(nlohmann::json::parse(tag.raw).at("title"), kHostile);
  }
  EXPECT_EQ(figures, 5u);
}

// Independently of the program: OpenSSL's hash of what a browser will read.
TEST(Page, PolicyNamesExactlyItsScripts) {
  const std::string page = everything("a").html(), policy = page.substr(page.find("default-src"), 600);
  std::size_t scripts = 0, named = 0;
  for (const test::HtmlTag& tag : test::tags_of(page, "script")) {
    if (tag.attributes.count("type")) continue;
    ++scripts;
    std::vector<std::uint8_t> hash(32);
    unsigned length = 0;
    ::EVP_Digest(tag.raw.data(), tag.raw.size(), hash.data(), &length, ::EVP_sha256(), nullptr);
    std::vector<unsigned char> text(64);
    ::EVP_EncodeBlock(text.data(), hash.data(), 32);
    EXPECT_NE(policy.find("'sha256-" + std::string(reinterpret_cast<char*>(text.data())) + "'"), std::string::npos);
  }
  for (std::size_t at = policy.find("'sha256-"); at != std::string::npos; at = policy.find("'sha256-", at + 1)) ++named;
  EXPECT_EQ(scripts, 5u);
  EXPECT_EQ(named, 5u);
  Page plain("a", Language::en);
  EXPECT_TRUE(test::tags_of(plain.html(), "script").empty()) << "a page without figures needs none";
}

TEST(Page, CarriesTheLicenceOfWhatItCarries) {
  const std::string page = everything("a").html();
  for (const char* part :
       {"Chart.js v3", "Copyright (c) 2014-2022 Chart.js Contributors", "Permission is hereby granted"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
}

TEST(PageData, Base64) {  // RFC 4648, section 10
  const auto of = [](const std::string& s) { return base64({s.begin(), s.end()}); };
  EXPECT_EQ(of(""), "");
  EXPECT_EQ(of("f"), "Zg==");
  EXPECT_EQ(of("fo"), "Zm8=");
  EXPECT_EQ(of("foobar"), "Zm9vYmFy");
  EXPECT_EQ(bytes_of_hex("00ff1a"), (std::vector<std::uint8_t>{0, 255, 26}));
}

TEST(PageData, NumbersThatAreNoneAreNull) {
  const nlohmann::json json = nlohmann::json::parse(page_data(plot_named("a"), {0, 1}));
  EXPECT_TRUE(json["series"][1]["y"][1].is_null());
  EXPECT_EQ(json["series"][1]["style"]["dash"], (std::vector<double>{8, 3}));
  EXPECT_THROW(png_uri({"a", 2, 2, 1, {1.0f}}), Error);
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
  for (std::size_t i = 0; i < kSeriesStyles; ++i) {
    plot.series[0].name = "x" + std::to_string(i);
    page.figure(plot);  // x0, other, x1, ..., x63: the last would look like x0
  }
  plot.series[0].name = "x0";
  plot.series[1].name = "x63";
  page.figure(plot);
  const std::string html = page.html(), figure = html.substr(html.rfind("<figure"));
  EXPECT_NE(figure.find(series_style(0).colour), std::string::npos);
  EXPECT_NE(figure.find(series_style(1).colour), std::string::npos);
}

TEST(Page, SetsColumnsByWhatTheyHold) {
  Page page("title", Language::en);
  page.table({"name", "number", "word", "sentence"}, {{"a", "-1.5", "holds", "one that is longer than a line can be"},
                                                      {"b", "[0, 2]", "", "2 of 3"},
                                                      {"c", "never", "best", ""}});
  const std::string html = page.html();
  EXPECT_NE(html.find("<td>-1.5</td><td class=\"word\">holds</td><td class=\"sentence\">one"), std::string::npos)
      << html;
  EXPECT_NE(html.find("<td>never</td>"), std::string::npos) << "among numbers";
  EXPECT_NE(html.find("<th scope=\"col\" class=\"sentence\">"), std::string::npos);
}

TEST(Page, SaysWhatReferencesAre) {
  Plot plot = test::plot_named("a");
  Page page("title", Language::en);
  page.figure(plot);
  EXPECT_EQ(page.html().find("\"reference_says\":"), std::string::npos);
  plot.reference_says = "At birth.";
  page.figure(plot);
  EXPECT_NE(page.html().find("\"reference_says\":\"At birth.\""), std::string::npos);
}

}  // namespace
}  // namespace fanin
