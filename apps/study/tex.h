// Formulas for pages: a small part of TeX's mathematics turned into MathML, which browsers set by themselves.
//   letters, digits, + - * / = < > ( ) [ ] | , . ; : ! '        {groups}   a_i  a^2  a_i^2
//   \frac{a}{b}  \sqrt{a}  \sqrt[3]{a}  \text{words}  \mathrm{ab}  \operatorname{ab}  \mathbb{E}  \mathcal{N}
//   \hat{a} \bar{a} \tilde{a} \vec{a} \dot{a}    \left( ... \right)  also with [ ] | \{ \} \langle \rangle and . for none
//   Greek letters, names of functions, \sum \prod \int, relations, arrows and spaces: the tables of tex_symbols.cpp
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanin {

// A <math> element, as a line of its own or within a line. Text in it is escaped. Throws ErrorKind::usage that names
// the command or character it does not know, and its place.
std::string mathml(std::string_view tex, bool block = true);

struct TexSymbol {
  std::string_view name, element, text;  // without backslash; mi, mo, ...; what is shown
  bool limits = false;                   // what is below and above it goes there and not to its right
};
const TexSymbol* tex_symbol(std::string_view name);  // null: none
std::vector<std::string> tex_symbol_names();
// The letter A to Z of \mathbb or \mathcal.
std::optional<std::string> tex_alphabet(std::string_view command, char letter);

}  // namespace fanin
