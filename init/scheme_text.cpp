// Schemes in one line of text: make_scheme of init/catalog.h.
// SPDX-License-Identifier: MIT
#include "core/check.h"
#include "core/spec.h"
#include "core/text.h"
#include "init/catalog.h"
#include "init/network_catalog.h"
#include "init/presets.h"

#include <algorithm>

namespace fanin {

namespace {

Rule parse_rule(std::string_view scheme, std::string_view part) {
  const std::size_t equals = part.find('=');
  FANIN_CHECK(equals != std::string_view::npos && trim(part.substr(0, equals)) != "", usage,
              "scheme '{}': '{}' is no rule; write role=initializer or pattern=initializer, separated by ';'", scheme,
              part);
  std::string_view pattern = trim(part.substr(0, equals)), spec = trim(part.substr(equals + 1));
  Rule rule;
  rule.optional = pattern.ends_with('?');
  if (rule.optional) pattern.remove_suffix(1);
  rule.pattern = pattern;
  rule.initializer = make_initializer(spec);
  rule.constructor = spec == "torch_default";
  return rule;
}

void add_rules(std::string_view scheme, std::string_view text, std::vector<Rule>& rules) {
  FANIN_CHECK(!trim(text).empty(), usage, "scheme '{}' ends with ';'; add a rule or remove it", scheme);
  for (const std::string_view part : split(text, ';')) rules.push_back(parse_rule(scheme, part));
}

// Is this part a rule? Then an '=' comes before any ':'.
bool is_rule(std::string_view part) { return part.find('=') < part.find(':'); }

struct Start {  // what the first part of a scheme stands for
  std::vector<Rule> rules;
  TorchProgram program;
};

Start rules_of(std::string_view scheme, std::string_view first) {
  Start start;
  if (const Preset* preset = find_preset(first)) {
    add_rules(scheme, preset->rules, start.rules);
    start.program = preset->torch;
    return start;
  }
  std::vector<std::string> known;
  for (const InitializerEntry& entry : initializer_catalog()) known.push_back(entry.name);
  for (const Preset& one : presets()) known.push_back(one.name);
  for (const NetworkEntry& entry : network_catalog()) known.push_back(entry.name);
  const std::string name = parse_spec(first).name;
  FANIN_CHECK(std::find(known.begin(), known.end(), name) != known.end(), usage, "unknown scheme '{}'{}", name,
              did_you_mean(name, known));
  const InitializerPtr initializer = make_initializer(first);
  for (const char* role : {"conv", "linear"})
    start.rules.push_back({role, initializer, true, first == "torch_default"});
  return start;
}

}  // namespace

std::unique_ptr<Scheme> make_scheme(std::string_view spec) {
  const std::string_view first = trim(spec.substr(0, spec.find(';')));
  std::vector<Rule> rules;
  if (is_rule(first)) {
    add_rules(spec, spec, rules);
    return by_rules(std::string(spec), std::move(rules));
  }
  const bool is_step = find_network_entry(trim(first.substr(0, first.find(':')))) != nullptr;
  const NetworkStep step = is_step ? make_network_step(first) : NetworkStep{std::string(first), nullptr};
  FANIN_CHECK(!is_step || find_network_entry(step.base) == nullptr, usage,
              "scheme '{}': base={} is a step itself; give an initializer or a preset", spec, step.base);
  Start start = rules_of(spec, step.base);
  if (first.size() < trim(spec).size()) add_rules(spec, spec.substr(spec.find(';') + 1), start.rules);
  std::unique_ptr<Scheme> scheme = by_rules(std::string(spec), std::move(start.rules), start.program);
  return is_step ? followed_by(std::string(spec), std::move(scheme), step.initializer) : std::move(scheme);
}

}  // namespace fanin
