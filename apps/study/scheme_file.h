// Schemes in files: "@rules.txt" stands for the rules in it, one a line, '#' begins a comment. The text of the rules is
// what a run keeps, so that it does not depend on the file later.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace fanin {

// `text` itself unless it begins with '@'. Throws ErrorKind::input if there is no such file or no rule in it; `where`
// names the option.
std::string scheme_text(const std::string& text, const std::string& where);

}  // namespace fanin
