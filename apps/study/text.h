// A sentence in the languages that pages speak.
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace fanin {

enum class Language { en, zh };

struct Text {
  std::string_view en, zh;
  constexpr std::string_view in(Language language) const { return language == Language::zh ? zh : en; }
};

}  // namespace fanin
