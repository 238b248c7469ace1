// A sentence in the languages that pages speak.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/check.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace fanin {

enum class Language { en, zh };

// Of --lang; throws ErrorKind::usage.
inline Language language_of(const std::string& name) {
  FANIN_CHECK(name == "en" || name == "zh", usage, "--lang {}; give en or zh", name);
  return name == "zh" ? Language::zh : Language::en;
}

struct Text {
  std::string_view en, zh;
  constexpr std::string_view in(Language language) const { return language == Language::zh ? zh : en; }
};

// With values in the places of {}.
template <class... Values>
std::string say(Language language, const Text& text, const Values&... values) {
  return fmt::format(fmt::runtime(text.in(language)), values...);
}

}  // namespace fanin
