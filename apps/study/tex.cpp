// SPDX-License-Identifier: MIT
#include "apps/study/tex.h"

#include "apps/study/svg.h"
#include "core/check.h"
#include "core/text.h"

#include <algorithm>
#include <cctype>

namespace fanin {

namespace {

constexpr int kDeepest = 24;  // groups within groups

std::string element(std::string_view name, std::string_view content) {
  return fmt::format("<{0}>{1}</{0}>", name, content);
}

// A bracket grows with what is beside it only behind \left and \right.
std::string operator_of(std::string_view shown) {
  static constexpr std::string_view brackets[] = {"(", ")", "[", "]", "|", "{", "}", "‖", "⟨", "⟩", "⌊", "⌋", "⌈", "⌉"};
  const bool bracket = std::find(std::begin(brackets), std::end(brackets), shown) != std::end(brackets);
  return fmt::format("<mo{}>{}</mo>", bracket ? " stretchy=\"false\"" : "", escape_html(shown));
}

class Parser {
 public:
  explicit Parser(std::string_view tex) : tex_(tex) {}

  std::string whole() {
    const std::string row = this->row('\0');
    require(at_ == tex_.size(), "has a '}' or \\right too many");
    return row;
  }

 private:
  struct Atom {
    std::string content;
    bool limits = false;
  };

  void require(bool good, const std::string& what) const {
    FANIN_CHECK(good, usage, "the formula '{}' {}, at character {}", tex_, what, at_ + 1);
  }
  bool more() const { return at_ < tex_.size(); }
  char peek() const { return more() ? tex_[at_] : '\0'; }
  void skip_blanks() {
    while (more() && std::isspace(static_cast<unsigned char>(tex_[at_])) != 0) ++at_;
  }

  // Up to `end` or \right, neither of which it reads.
  std::string row(char end) {
    require(++depth_ <= kDeepest, fmt::format("is more than {} groups deep", kDeepest));
    std::string out;
    for (skip_blanks(); more() && peek() != end && peek() != '}' && !at_command("right"); skip_blanks()) {
      require(peek() != '^' && peek() != '_', fmt::format("has a '{}' with nothing before it", peek()));
      out += scripted(atom());
    }
    --depth_;
    return out;
  }

  bool at_command(std::string_view name) const {
    return tex_.substr(at_).starts_with(fmt::format("\\{}", name)) &&
           (at_ + 1 + name.size() >= tex_.size() ||
            std::isalpha(static_cast<unsigned char>(tex_[at_ + 1 + name.size()])) == 0);
  }

  std::string scripted(const Atom& base) {
    std::string below, above;
    for (skip_blanks(); peek() == '^' || peek() == '_' || peek() == '\''; skip_blanks()) {
      if (peek() == '\'') {
        ++at_;
        above += "<mo>′</mo>";
        continue;
      }
      std::string& script = peek() == '_' ? below : above;
      require(peek() == '^' || script.empty(), "has two subscripts on one symbol");
      ++at_;
      script += argument();
    }
    const auto wrapped = [](const std::string& s) { return element("mrow", s); };
    if (below.empty() && above.empty()) return base.content;
    if (above.empty()) return element(base.limits ? "munder" : "msub", base.content + wrapped(below));
    if (below.empty()) return element(base.limits ? "mover" : "msup", base.content + wrapped(above));
    return element(base.limits ? "munderover" : "msubsup", base.content + wrapped(below) + wrapped(above));
  }

  // A group in braces, or a single symbol or digit.
  std::string argument() {
    skip_blanks();
    require(more() && peek() != '}', "ends where something in braces is needed");
    if (std::isdigit(static_cast<unsigned char>(peek())) != 0) return element("mn", tex_.substr(at_++, 1));
    if (peek() != '{') return atom().content;
    ++at_;
    std::string inside = element("mrow", row('}'));
    require(peek() == '}', "has a '{' without '}'");
    ++at_;
    return inside;
  }

  std::string words() {
    skip_blanks();
    require(peek() == '{', "needs words in braces");
    const std::size_t end = tex_.find('}', at_);
    require(end != std::string_view::npos, "has a '{' without '}'");
    const std::string_view inside = tex_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return escape_html(inside);
  }

  Atom atom() {
    const char c = peek();
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') return command();
    if (c == '{') return {argument()};
    if (std::isdigit(byte) != 0) {
      const std::size_t begin = at_;
      while (std::isdigit(static_cast<unsigned char>(peek())) != 0 ||
             (peek() == '.' && at_ + 1 < tex_.size() && std::isdigit(static_cast<unsigned char>(tex_[at_ + 1])) != 0))
        ++at_;
      return {element("mn", tex_.substr(begin, at_ - begin))};
    }
    if (byte >= 0x80) {  // any other letter, such as a Chinese one: itself
      const std::size_t begin = at_++;
      while ((static_cast<unsigned char>(peek()) & 0xc0) == 0x80) ++at_;
      return {element("mtext", tex_.substr(begin, at_ - begin))};
    }
    require(std::isalpha(byte) != 0 || std::string_view("+-*/=<>()[]|,.;:!'").find(c) != std::string_view::npos,
            fmt::format("has a character '{}' that is not known", c));
    ++at_;
    if (std::isalpha(byte) != 0) return {element("mi", std::string(1, c))};
    return {operator_of(c == '-' ? "−" : std::string_view(&tex_[at_ - 1], 1))};
  }

  std::string_view command_name() {
    const std::size_t begin = ++at_;
    while (std::isalpha(static_cast<unsigned char>(peek())) != 0) ++at_;
    if (at_ == begin && more()) ++at_;  // such as \, or \{
    return tex_.substr(begin, at_ - begin);
  }

  std::string delimiter() {
    skip_blanks();
    std::string shown;
    if (peek() == '\\') {
      const std::size_t begin = at_;
      const TexSymbol* const symbol = tex_symbol(command_name());
      if (symbol == nullptr) at_ = begin;
      require(symbol != nullptr, "has no delimiter behind \\left or \\right");
      shown = symbol->text;
    } else {
      require(more() && std::string_view("()[]|/.<>").find(peek()) != std::string_view::npos,
              "has no delimiter behind \\left or \\right");
      shown = peek() == '.' ? "" : escape_html(std::string(1, peek()));
      ++at_;
    }
    return shown.empty() ? "" : "<mo stretchy=\"true\">" + shown + "</mo>";
  }

  Atom command() {
    const std::size_t begin = at_;
    const std::string_view name = command_name();
    if (const TexSymbol* const symbol = tex_symbol(name))
      return {symbol->element == "mo" ? operator_of(symbol->text) : element(symbol->element, escape_html(symbol->text)),
              symbol->limits};
    if (name == "frac") {
      const std::string above = argument();
      return {element("mfrac", above + argument())};
    }
    if (name == "sqrt") return root();
    if (name == "text") return {element("mtext", words())};
    if (name == "mathrm" || name == "operatorname") return {"<mi mathvariant=\"normal\">" + words() + "</mi>"};
    if (name == "mathbb" || name == "mathcal") {
      const std::string letter = words();
      const std::optional<std::string> shown = letter.size() == 1 ? tex_alphabet(name, letter[0]) : std::nullopt;
      require(shown.has_value(), fmt::format("has \\{}{{{}}}, which is for one letter A to Z", name, letter));
      return {element("mi", *shown)};
    }
    static constexpr std::pair<std::string_view, std::string_view> accents[] = {
        {"hat", "^"}, {"bar", "¯"}, {"tilde", "~"}, {"vec", "→"}, {"dot", "˙"}};
    for (const auto& [accent, mark] : accents)
      if (name == accent)
        return {fmt::format("<mover accent=\"true\">{}<mo stretchy=\"false\">{}</mo></mover>", argument(), mark)};
    if (name == "left") {
      const std::string open = delimiter(), inside = row('\0');
      require(at_command("right"), "has a \\left without \\right");
      at_ += 6;
      return {element("mrow", open + inside + delimiter())};
    }
    at_ = begin;
    std::vector<std::string> known = tex_symbol_names();
    for (const char* other :
         {"frac", "sqrt", "text", "mathrm", "operatorname", "mathbb", "mathcal", "left", "hat", "bar"})
      known.emplace_back(other);
    const std::string hint = did_you_mean(name, known);
    require(false, fmt::format("has a command \\{} that is not known{}", name,
                               hint.starts_with("; did") ? hint : "; apps/study/tex.h lists what there is"));
    return {};
  }

  Atom root() {
    skip_blanks();
    if (peek() != '[') return {element("msqrt", argument())};
    ++at_;
    const std::string index = element("mrow", row(']'));
    require(peek() == ']', "has a '[' without ']' behind \\sqrt");
    ++at_;
    return {element("mroot", argument() + index)};
  }

  std::string_view tex_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::string mathml(std::string_view tex, bool block) {
  return fmt::format("<math{}><mrow>{}</mrow></math>", block ? " display=\"block\"" : "", Parser(tex).whole());
}

}  // namespace fanin
