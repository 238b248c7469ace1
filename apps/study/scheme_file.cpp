// SPDX-License-Identifier: MIT
#include "apps/study/scheme_file.h"

#include "core/check.h"
#include "core/io/file.h"
#include "core/text.h"

#include <fmt/format.h>

#include <vector>

namespace fanin {

std::string scheme_text(const std::string& text, const std::string& where) {
  if (!text.starts_with('@')) return text;
  const std::string path = text.substr(1), content = io::read_text(path);
  std::vector<std::string> rules;
  for (std::string_view line : split(content, '\n'))
    if (line = trim(line.substr(0, line.find('#'))); !line.empty()) rules.emplace_back(line);
  FANIN_CHECK(!rules.empty(), input, "{}: {} holds no rule; write role=initializer or a pattern, one a line", where,
              path);
  return fmt::format("{}", fmt::join(rules, ";"));
}

}  // namespace fanin
