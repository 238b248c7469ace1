// A page for a browser in one file: text, tables, formulas and figures, light and dark, on a phone too. It fetches
// nothing, and runs the scripts of apps/study/page/ alone. Whatever is given is escaped, so that a name can be anything.
// A figure is a still drawing (svg.h) with its data beside it (page_data.h); where scripts run, they make it move.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/figure.h"
#include "apps/study/text.h"

#include <string>
#include <string_view>
#include <vector>

namespace fanin {

class Page {
 public:
  using Row = std::vector<std::string>;

  Page(std::string title, Language language);  // the title is also the first heading

  void heading(int level, std::string_view text);  // 2 to 4
  void paragraph(std::string_view text);
  void note(std::string_view text);                         // smaller
  void link(std::string_view file, std::string_view text);  // to a file beside the page
  void list(const std::vector<std::string>& items);
  void table(const Row& head, const std::vector<Row>& rows);
  void details(std::string_view summary, const Row& head, const std::vector<Row>& rows);  // a table behind a click
  void details(std::string_view summary, std::string_view text);                          // lines stay as they are
  void formula(std::string_view tex);   // what tex.h knows; throws ErrorKind::usage
  void command(std::string_view text);  // the exact command that made the page

  // Series of one group (figure.h) look alike in all figures of a page.
  void figure(const Plot& plot);
  void figure(const HeatMap& map);
  void figure(const HistogramStack& stack);
  void figure(const Pictures& pictures);
  void intervals(const std::string& title, const std::string& x_label, const std::vector<IntervalRow>& rows);

  std::string html() const;

 private:
  std::vector<std::size_t> styles_for(const std::vector<std::string>& groups);
  void add_figure(std::string_view kind, const std::string& drawing, const std::string& data);

  std::string title_, body_;
  Language language_;
  int figures_ = 0;
  std::vector<std::string> groups_;  // in order of first appearance; the place is the style
};

}  // namespace fanin
