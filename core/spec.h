// Specs: "name:key=value,key=value", the way models, initializers and recipes are written, and the reading of their
// options so that nothing unknown, misspelt or out of range slips through.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fanin {

struct Spec {
  std::string name;
  std::vector<std::pair<std::string, std::string>> options;
};
Spec parse_spec(std::string_view text);  // throws ErrorKind::usage where an option has no '=' or is given twice

// The options of one spec. Every getter marks its key as known; finish() refuses what nobody asked for. All throw
// ErrorKind::usage with kind and name of the spec, the key, the value and what is legal.
class SpecOptions {
 public:
  SpecOptions(std::string kind, Spec spec) : kind_(std::move(kind)), spec_(std::move(spec)) {}

  const std::string& name() const { return spec_.name; }
  bool has(const std::string& key) { return find(key) != nullptr; }
  std::string text(const std::string& key, const std::string& fallback);
  double number(const std::string& key, double fallback);
  int integer(const std::string& key, int fallback, int least, int most);
  std::string word(const std::string& key, const std::string& fallback, const std::vector<std::string>& legal);
  void finish() const;

 private:
  const std::string* find(const std::string& key);
  std::string kind_;
  Spec spec_;
  std::vector<std::string> known_;
};

}  // namespace fanin
