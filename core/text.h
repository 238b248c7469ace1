// Small help for messages: "did you mean", splitting, and numbers that are read whole or not at all.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanin {

// "; did you mean 'wrn-16-4'?" if a known word is close (edit distance at most a third of its length), else "; choose
// from a, b, c".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

std::vector<std::string_view> split(std::string_view text, char separator);  // "a,,b" has three parts; "" has none
std::string_view trim(std::string_view text);

std::string shell_word(const std::string& word);  // as a shell has to be given it: in quotes where that is needed

std::optional<long long> parse_integer(std::string_view text);  // the whole text, no sign but '-', no blanks
std::optional<double> parse_number(std::string_view text);      // likewise; finite

}  // namespace fanin
