// Files that every page carries, put into the program when it is built (cmake/embed.cmake). Of a script also its
// SHA-256, in hexadecimal digits: a browser runs a script of a page only if the page's policy names its hash.
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace fanin {

// apps/study/page/: page.css, the licence of Chart.js, and the scripts in the order in which they run.
extern const std::string_view kPageCss, kChartLicence;
extern const std::string_view kChartJs, kSharedJs, kPlotJs, kHistogramsJs, kDrawingsJs;
extern const std::string_view kChartJsSha256, kSharedJsSha256, kPlotJsSha256, kHistogramsJsSha256, kDrawingsJsSha256;

}  // namespace fanin
