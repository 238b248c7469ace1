// Files that every page carries, put into the program when it is built (cmake/embed.cmake).
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace fanin {

extern const std::string_view kPageCss;  // apps/study/page/page.css

}  // namespace fanin
