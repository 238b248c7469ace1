// SPDX-License-Identifier: MIT
#include "apps/study/page.h"

#include "apps/study/page_assets.h"
#include "apps/study/page_data.h"
#include "apps/study/svg.h"
#include "apps/study/tex.h"
#include "core/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace fanin {

namespace {

constexpr Text kCommand{"The command that made this page", "生成本页的命令"},
    kLicence{"The charting library of this page, and its licence", "本页使用的图表库及其许可证"};

std::string element(std::string_view tag, std::string_view text) {
  return fmt::format("<{0}>{1}</{0}>\n", tag, escape_html(text));
}

bool starts_number(const std::string& cell) {
  return !cell.empty() && cell.find_first_of("0123456789") <= cell.find_first_not_of("+-([<>= ");
}

// How a column is set: numbers to the right and on one line; words to the left; sentences to the left, on several lines.
std::string_view column_class(const std::vector<Page::Row>& rows, std::size_t column) {
  constexpr std::size_t kLine = 32;  // bytes
  bool words = true, sentences = false;
  for (const Page::Row& row : rows) {
    if (column >= row.size()) continue;
    words = words && !starts_number(row[column]);
    sentences = sentences || row[column].size() > kLine;
  }
  return sentences ? " class=\"sentence\"" : words ? " class=\"word\"" : "";
}

std::string table_of(const Page::Row& head, const std::vector<Page::Row>& rows) {
  std::vector<std::string_view> classes;
  for (std::size_t c = 0; c < head.size(); ++c) classes.push_back(c == 0 ? "" : column_class(rows, c));
  std::string out = "<div class=\"wide\"><table><thead><tr>";
  for (std::size_t c = 0; c < head.size(); ++c)
    out += fmt::format("<th scope=\"col\"{}>{}</th>", classes[c], escape_html(head[c]));
  out += "</tr></thead><tbody>\n";
  for (const Page::Row& row : rows) {
    out += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c)
      out += fmt::format("<td{}>{}</td>", c < classes.size() ? classes[c] : "", escape_html(row[c]));
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

}  // namespace

Page::Page(std::string title, Language language) : title_(std::move(title)), language_(language) {
  body_ = element("h1", title_);
}

void Page::heading(int level, std::string_view text) {
  FANIN_CHECK(2 <= level && level <= 4, usage, "a heading of level {}; 2 to 4 are for pages", level);
  body_ += element(fmt::format("h{}", level), text);
}

void Page::paragraph(std::string_view text) { body_ += element("p", text); }

void Page::note(std::string_view text) { body_ += fmt::format("<p class=\"note\">{}</p>\n", escape_html(text)); }

void Page::link(std::string_view file, std::string_view text) {
  FANIN_CHECK(file.find(':') == std::string_view::npos && !file.starts_with('/'), usage,
              "a page links to files beside it, not to '{}'", file);
  body_ += fmt::format("<p><a href=\"{}\">{}</a></p>\n", escape_html(file), escape_html(text));
}

void Page::list(const std::vector<std::string>& items) {
  body_ += "<ul>\n";
  for (const std::string& item : items) body_ += element("li", item);
  body_ += "</ul>\n";
}

void Page::table(const Row& head, const std::vector<Row>& rows) { body_ += table_of(head, rows); }

void Page::details(std::string_view summary, const Row& head, const std::vector<Row>& rows) {
  body_ += "<details>" + element("summary", summary) + table_of(head, rows) + "</details>\n";
}

void Page::details(std::string_view summary, std::string_view text) {
  body_ += "<details>" + element("summary", summary) + element("pre", text) + "</details>\n";
}

void Page::formula(std::string_view tex) { body_ += "<p class=\"formula\">" + mathml(tex) + "</p>\n"; }

void Page::command(std::string_view text) {
  body_ += element("h2", kCommand.in(language_)) + fmt::format("<pre class=\"command\">{}</pre>\n", escape_html(text));
}

std::vector<std::size_t> Page::styles_for(const std::vector<std::string>& groups) {
  std::vector<std::size_t> styles;
  std::vector<std::string> seen;
  std::vector<std::size_t> styles_seen;
  for (const std::string& group : groups) {
    if (const auto at = std::find(seen.begin(), seen.end(), group); at != seen.end()) {
      styles.push_back(styles_seen[static_cast<std::size_t>(at - seen.begin())]);
      continue;
    }
    auto on_page = std::find(groups_.begin(), groups_.end(), group);
    if (on_page == groups_.end()) on_page = groups_.insert(groups_.end(), group);
    std::size_t style = static_cast<std::size_t>(on_page - groups_.begin()) % kSeriesStyles;
    // A page with very many groups: within a figure they still differ where they can.
    const auto taken = [&](std::size_t s) { return std::find(styles_seen.begin(), styles_seen.end(), s); };
    for (std::size_t s = 0; s < kSeriesStyles && taken(style) != styles_seen.end(); ++s)
      style = (style + 1) % kSeriesStyles;
    seen.push_back(group);
    styles_seen.push_back(style);
    styles.push_back(style);
  }
  return styles;
}

void Page::add_figure(std::string_view kind, const std::string& drawing, const std::string& data) {
  body_ += fmt::format(
      "<figure id=\"figure-{}\" data-kind=\"{}\"><div class=\"drawing\">{}</div>\n<script "
      "type=\"application/json\">{}</script></figure>\n",
      ++figures_, kind, drawing, data);
}

void Page::figure(const Plot& plot) {
  const Styles styles = styles_for(groups_of(plot.series));
  add_figure("plot", svg(plot, styles), page_data(plot, styles));
}

void Page::figure(const HeatMap& map) {
  const Styles styles = styles_for(groups_of(map.overlay));
  add_figure("heat_map", svg(map, styles), page_data(map, styles));
}

void Page::figure(const HistogramStack& stack) {
  const Styles styles = styles_for(groups_of(stack));
  add_figure("histograms", svg(stack, styles), page_data(stack, styles));
}

void Page::figure(const Pictures& pictures) {
  std::string tiles = fmt::format("<p class=\"tiles-title\">{}</p><div class=\"tiles\">", escape_html(pictures.title));
  for (const Tile& tile : pictures.tiles) {
    const std::string label = escape_html(tile.label);
    tiles += fmt::format("<div><img alt=\"{}\" src=\"{}\"><small>{}</small></div>", label, png_uri(tile), label);
  }
  add_figure("pictures", tiles + "</div>", page_data(pictures));
}

void Page::intervals(const std::string& title, const std::string& x_label, const std::vector<IntervalRow>& rows) {
  add_figure("intervals", svg_intervals(title, x_label, rows), page_data(title, rows));
}

std::string Page::html() const {
  std::string policy, scripts;
  if (figures_ > 0) {
    const std::pair<std::string_view, std::string_view> parts[] = {{kChartJs, kChartJsSha256},
                                                                   {kSharedJs, kSharedJsSha256},
                                                                   {kPlotJs, kPlotJsSha256},
                                                                   {kHistogramsJs, kHistogramsJsSha256},
                                                                   {kDrawingsJs, kDrawingsJsSha256}};
    policy = "; script-src";
    for (const auto& [script, hash] : parts) {
      policy += fmt::format(" 'sha256-{}'", base64(bytes_of_hex(hash)));
      scripts += fmt::format("<script>{}</script>\n", script);
    }
    scripts = "<details class=\"licence\">" + element("summary", kLicence.in(language_)) +
              element("pre", kChartLicence) + "</details>\n</main>\n" + scripts;
  } else {
    scripts = "</main>\n";
  }
  return fmt::format(
             "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\">\n<meta "
             "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src "
             "data:{}\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<title>{}</title>\n<style>\n",
             language_ == Language::zh ? "zh-CN" : "en", policy, escape_html(title_)) +
         std::string(kPageCss) + "</style></head><body>\n<main>\n" + body_ + scripts + "</body></html>\n";
}

}  // namespace fanin
