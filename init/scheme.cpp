// SPDX-License-Identifier: MIT
#include "init/scheme.h"

#include "core/check.h"
#include "core/text.h"
#include "init/constant.h"
#include "init/torch_draws.h"
#include "init/variance_scaling.h"

#include <fnmatch.h>
#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

struct RolePattern {
  const char* name;
  std::vector<Role> roles;
};

const std::vector<RolePattern>& patterns() {
  static const std::vector<RolePattern> list = {
      {"conv", {Role::conv_weight}},
      {"linear", {Role::linear_weight}},
      {"bias", {Role::conv_bias, Role::linear_bias}},
      {"conv_bias", {Role::conv_bias}},
      {"linear_bias", {Role::linear_bias}},
      {"norm_scale", {Role::norm_scale}},
      {"norm_shift", {Role::norm_shift}},
      {"scalar_multiplier", {Role::scalar_multiplier}},
      {"scalar_bias", {Role::scalar_bias}},
  };
  return list;
}

bool matches(const Rule& rule, const Parameter& p) {
  for (const RolePattern& row : patterns())
    if (rule.pattern == row.name) return std::find(row.roles.begin(), row.roles.end(), p.role) != row.roles.end();
  return ::fnmatch(rule.pattern.c_str(), p.name.c_str(), 0) == 0;
}

bool draws_in_constructor(Role role) {
  return role == Role::conv_weight || role == Role::linear_weight || role == Role::conv_bias ||
         role == Role::linear_bias;
}

class ByRules : public Scheme {
 public:
  ByRules(std::string name, std::vector<Rule> rules, TorchProgram program)
      : name_(std::move(name)), rules_(std::move(rules)), program_(program) {}

  using Scheme::describe;
  std::string describe() const override { return name_; }
  const Initializer& initializer(const Parameter& p) const override { return *deciding(p).initializer; }
  std::string rule(const Parameter& p) const override {
    const Rule* found = given(p);
    return found == nullptr ? "default" : found->pattern;
  }

  void apply(Network& net, const Batch&, std::uint64_t seed, StreamKind stream) const override {
    const std::vector<Parameter*> parameters = net.parameters();
    for (const Rule& rule : rules_)
      FANIN_CHECK(rule.optional || std::any_of(parameters.begin(), parameters.end(),
                                               [&](const Parameter* p) { return matches(rule, *p); }),
                  usage,
                  "scheme '{}': rule '{}' matches no parameter of this network; remove it, or write '{}?=' to "
                  "allow that",
                  name_, rule.pattern, rule.pattern);
    if (stream == StreamKind::torch)
      fill_as_torch(parameters, seed);
    else
      for (Parameter* p : parameters) {
        PhiloxDraws draws(Rng::stream(seed, "init/" + p->name));
        fill(*p, initializer(*p), draws);
      }
  }

 private:
  void fill(Parameter& p, const Initializer& initializer, Draws& draws) const {
    std::vector<float> weights(p.shape.size());
    try {
      initializer.fill(p.shape, weights, draws);
    } catch (const Error& error) {
      throw Error(error.kind(), p.name + ": " + error.what());
    }
    for (const float v : weights)
      FANIN_CHECK(std::isfinite(v), usage, "{}: scheme '{}' drew a weight that is not finite; use a smaller variance",
                  p.name, name_);
    from_file_order(p.shape, weights, p.value);
  }

  void fill_as_torch(std::vector<Parameter*> parameters, std::uint64_t seed) const {
    TorchDraws draws(seed);
    if (program_.constructs) {
      const InitializerPtr constructor =
          variance_scaling({.scale = 1.0 / 3.0, .fan = FanMode::in, .draw = Draw::uniform, .biases = true});
      for (Parameter* p : parameters)
        if (draws_in_constructor(p->role)) fill(*p, *constructor, draws);
    }
    std::stable_sort(parameters.begin(), parameters.end(),
                     [&](const Parameter* a, const Parameter* b) { return torch_place(*a) < torch_place(*b); });
    for (Parameter* p : parameters)
      if (const Rule& rule = deciding(*p); !(rule.constructor && program_.constructs))
        fill(*p, *rule.initializer, draws);
  }

  // Parameters are visited in the order of this key, then in that of construction.
  std::pair<std::string, int> torch_place(const Parameter& p) const {
    if (program_.order == TorchProgram::Order::classifier_first)
      return {"", p.role == Role::linear_weight || p.role == Role::linear_bias ? 0 : 1};
    if (program_.order == TorchProgram::Order::construction) return {};
    // The dictionary of a block in wide-residual-networks/pytorch: convolutions first, then norms, then the shortcut.
    const std::size_t block = p.name.find(".block");
    if (block == std::string::npos) return {p.name == "conv0.weight" ? "conv" : "zz", 0};
    const std::size_t dot = p.name.find('.', block + 1);
    const std::string_view inner = std::string_view(p.name).substr(dot + 1);
    const int rank = inner.starts_with("convdim") ? 2 : inner.starts_with("conv") ? 0 : 1;
    const std::string number = p.name.substr(block + 6, dot - block - 6);
    return {p.name.substr(0, block) + std::string(4 - std::min<std::size_t>(4, number.size()), '0') + number, rank};
  }

  const Rule* given(const Parameter& p) const {
    for (std::size_t i = rules_.size(); i-- > 0;)
      if (matches(rules_[i], p)) return &rules_[i];
    return nullptr;
  }

  const Rule& deciding(const Parameter& p) const {
    if (const Rule* rule = given(p)) return *rule;
    static const Rule zero{"", constant(0.0), true, false}, one{"", constant(1.0), true, false};
    switch (p.role) {
      case Role::conv_bias:
      case Role::linear_bias:
      case Role::norm_shift:
      case Role::scalar_bias: return zero;
      case Role::norm_scale:
      case Role::scalar_multiplier: return one;
      case Role::conv_weight:
      case Role::linear_weight: break;
    }
    const char* const other = p.role == Role::conv_weight ? "linear" : "conv";
    for (std::size_t i = rules_.size(); i-- > 0;)
      if (rules_[i].pattern == other) return rules_[i];
    fail(ErrorKind::usage, "{}: scheme '{}' has no initializer for it; add a rule such as '{}=kaiming_normal'", p.name,
         name_, p.role == Role::conv_weight ? "conv" : "linear");
  }

  const std::string name_;
  const std::vector<Rule> rules_;
  const TorchProgram program_;
};

}  // namespace

const std::vector<std::string>& role_patterns() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const RolePattern& row : patterns()) result.emplace_back(row.name);
    return result;
  }();
  return names;
}

std::unique_ptr<Scheme> by_rules(std::string name, std::vector<Rule> rules, TorchProgram program) {
  for (const Rule& rule : rules)
    FANIN_CHECK(std::find(role_patterns().begin(), role_patterns().end(), rule.pattern) != role_patterns().end() ||
                    rule.pattern.find_first_of(".*?[") != std::string::npos,
                usage, "scheme '{}': unknown role '{}'{}; or give a pattern of parameter names such as 'fc.*'", name,
                rule.pattern, did_you_mean(rule.pattern, role_patterns()));
  return std::make_unique<ByRules>(std::move(name), std::move(rules), program);
}

}  // namespace fanin
