// SPDX-License-Identifier: MIT
#include "apps/study/tex.h"

#include <algorithm>

namespace fanin {

namespace {

constexpr TexSymbol kSymbols[] = {
    {"alpha", "mi", "α"},
    {"beta", "mi", "β"},
    {"gamma", "mi", "γ"},
    {"delta", "mi", "δ"},
    {"epsilon", "mi", "ϵ"},
    {"varepsilon", "mi", "ε"},
    {"zeta", "mi", "ζ"},
    {"eta", "mi", "η"},
    {"theta", "mi", "θ"},
    {"iota", "mi", "ι"},
    {"kappa", "mi", "κ"},
    {"lambda", "mi", "λ"},
    {"mu", "mi", "μ"},
    {"nu", "mi", "ν"},
    {"xi", "mi", "ξ"},
    {"pi", "mi", "π"},
    {"rho", "mi", "ρ"},
    {"sigma", "mi", "σ"},
    {"tau", "mi", "τ"},
    {"upsilon", "mi", "υ"},
    {"phi", "mi", "ϕ"},
    {"varphi", "mi", "φ"},
    {"chi", "mi", "χ"},
    {"psi", "mi", "ψ"},
    {"omega", "mi", "ω"},
    {"Gamma", "mi", "Γ"},
    {"Delta", "mi", "Δ"},
    {"Theta", "mi", "Θ"},
    {"Lambda", "mi", "Λ"},
    {"Xi", "mi", "Ξ"},
    {"Pi", "mi", "Π"},
    {"Sigma", "mi", "Σ"},
    {"Phi", "mi", "Φ"},
    {"Psi", "mi", "Ψ"},
    {"Omega", "mi", "Ω"},
    {"ell", "mi", "ℓ"},
    {"infty", "mi", "∞"},
    {"partial", "mo", "∂"},
    {"nabla", "mo", "∇"},
    {"top", "mi", "⊤"},
    {"log", "mi", "log"},
    {"ln", "mi", "ln"},
    {"exp", "mi", "exp"},
    {"sin", "mi", "sin"},
    {"cos", "mi", "cos"},
    {"tan", "mi", "tan"},
    {"tanh", "mi", "tanh"},
    {"arccos", "mi", "arccos"},
    {"arcsin", "mi", "arcsin"},
    {"arctan", "mi", "arctan"},
    {"det", "mi", "det"},
    {"Pr", "mi", "Pr"},
    {"max", "mo", "max", true},
    {"min", "mo", "min", true},
    {"lim", "mo", "lim", true},
    {"sup", "mo", "sup", true},
    {"arg", "mi", "arg"},
    {"sum", "mo", "∑", true},
    {"prod", "mo", "∏", true},
    {"int", "mo", "∫"},
    {"cdot", "mo", "⋅"},
    {"times", "mo", "×"},
    {"div", "mo", "÷"},
    {"pm", "mo", "±"},
    {"mp", "mo", "∓"},
    {"odot", "mo", "⊙"},
    {"otimes", "mo", "⊗"},
    {"oplus", "mo", "⊕"},
    {"circ", "mo", "∘"},
    {"ast", "mo", "∗"},
    {"le", "mo", "≤"},
    {"leq", "mo", "≤"},
    {"ge", "mo", "≥"},
    {"geq", "mo", "≥"},
    {"ne", "mo", "≠"},
    {"neq", "mo", "≠"},
    {"approx", "mo", "≈"},
    {"sim", "mo", "∼"},
    {"simeq", "mo", "≃"},
    {"equiv", "mo", "≡"},
    {"propto", "mo", "∝"},
    {"ll", "mo", "≪"},
    {"gg", "mo", "≫"},
    {"in", "mo", "∈"},
    {"subset", "mo", "⊂"},
    {"cup", "mo", "∪"},
    {"cap", "mo", "∩"},
    {"forall", "mo", "∀"},
    {"exists", "mo", "∃"},
    {"to", "mo", "→"},
    {"rightarrow", "mo", "→"},
    {"leftarrow", "mo", "←"},
    {"Rightarrow", "mo", "⇒"},
    {"Leftrightarrow", "mo", "⇔"},
    {"mapsto", "mo", "↦"},
    {"ldots", "mo", "…"},
    {"dots", "mo", "…"},
    {"cdots", "mo", "⋯"},
    {"prime", "mo", "′"},
    {"mid", "mo", "∣"},
    {"lVert", "mo", "‖"},
    {"rVert", "mo", "‖"},
    {"Vert", "mo", "‖"},
    {"|", "mo", "‖"},
    {"lvert", "mo", "|"},
    {"rvert", "mo", "|"},
    {"langle", "mo", "⟨"},
    {"rangle", "mo", "⟩"},
    {"lfloor", "mo", "⌊"},
    {"rfloor", "mo", "⌋"},
    {"lceil", "mo", "⌈"},
    {"rceil", "mo", "⌉"},
    {"{", "mo", "{"},
    {"}", "mo", "}"},
    {"%", "mi", "%"},
    {"_", "mi", "_"},
    {",", "mtext", "\u2009"},
    {":", "mtext", "\u2005"},
    {";", "mtext", "\u2004"},
    {" ", "mtext", "\u00a0"},
    {"!", "mtext", ""},
    {"quad", "mtext", "\u2003"},
    {"qquad", "mtext", "\u2003\u2003"},
};

std::string utf8(char32_t c) {
  std::string out;
  if (c < 0x10000) {
    out += static_cast<char>(0xe0 | (c >> 12));
  } else {
    out += static_cast<char>(0xf0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
  }
  out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
  return out + static_cast<char>(0x80 | (c & 0x3f));
}

// Letters that Unicode had before its block of mathematical letters.
struct Early {
  char letter;
  char32_t code;
};
constexpr Early kDoubleStruck[] = {{'C', 0x2102}, {'H', 0x210d}, {'N', 0x2115}, {'P', 0x2119},
                                   {'Q', 0x211a}, {'R', 0x211d}, {'Z', 0x2124}};
constexpr Early kScript[] = {{'B', 0x212c}, {'E', 0x2130}, {'F', 0x2131}, {'H', 0x210b},
                             {'I', 0x2110}, {'L', 0x2112}, {'M', 0x2133}, {'R', 0x211b}};

template <std::size_t n>
std::string letter_of(const Early (&early)[n], char32_t first, char letter) {
  for (const Early& e : early)
    if (e.letter == letter) return utf8(e.code);
  return utf8(first + static_cast<char32_t>(letter - 'A'));
}

}  // namespace

const TexSymbol* tex_symbol(std::string_view name) {
  const auto* const at =
      std::find_if(std::begin(kSymbols), std::end(kSymbols), [&](const TexSymbol& s) { return s.name == name; });
  return at == std::end(kSymbols) ? nullptr : at;
}

std::vector<std::string> tex_symbol_names() {
  std::vector<std::string> names;
  for (const TexSymbol& s : kSymbols) names.emplace_back(s.name);
  return names;
}

std::optional<std::string> tex_alphabet(std::string_view command, char letter) {
  if (letter < 'A' || letter > 'Z') return std::nullopt;
  return command == "mathbb" ? letter_of(kDoubleStruck, 0x1d538, letter) : letter_of(kScript, 0x1d49c, letter);
}

}  // namespace fanin
