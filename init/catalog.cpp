// SPDX-License-Identifier: MIT
#include "init/catalog.h"

#include "core/check.h"
#include "core/spec.h"
#include "core/text.h"
#include "init/constant.h"
#include "init/dirac.h"
#include "init/eye.h"
#include "init/fixed.h"
#include "init/gain.h"
#include "init/orthogonal.h"
#include "init/presets.h"
#include "init/sparse.h"
#include "init/variance_scaling.h"

#include <algorithm>

namespace fanin {

namespace {

using Options = SpecOptions;

FanMode mode_of(Options& o, const std::string& fallback) {
  const std::string name = o.word("mode", fallback, {"fan_in", "fan_out", "fan_avg", "fan_geo"});
  if (name == "fan_out") return FanMode::out;
  if (name == "fan_avg") return FanMode::average;
  return name == "fan_geo" ? FanMode::geometric_mean : FanMode::in;
}

FanCount groups_of(Options& o) {
  const std::string name = o.word("groups", "exact", {"exact", "torch", "ignored"});
  if (name == "torch") return FanCount::torch;
  return name == "ignored" ? FanCount::ignored : FanCount::exact;
}

double positive(double value, const char* name) {
  FANIN_CHECK(value > 0.0, usage, "{} = {}; it must be above 0", name, value);
  return value;
}

template <Draw kDraw>
InitializerPtr xavier(Options& o) {
  const double gain = positive(o.number("gain", 1.0), "gain");
  return variance_scaling({.scale = gain * gain, .fan = FanMode::average, .draw = kDraw, .count = groups_of(o)});
}

// PyTorch's gain where its table has the nonlinearity, else the exact one; gain=exact takes that for all. As in
// PyTorch, `a` counts only for leaky_relu, which is the default, so the default gain is sqrt(2).
double kaiming_gain(Options& o) {
  const double slope = o.number("a", 0.0);
  std::vector<std::string> names = torch_gain_names();
  for (const std::string& name : exact_gain_names())
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  const std::string nonlinearity = o.word("nonlinearity", "leaky_relu", names);
  const bool in_table =
      std::find(torch_gain_names().begin(), torch_gain_names().end(), nonlinearity) != torch_gain_names().end();
  const bool exact = o.word("gain", "torch", {"torch", "exact"}) == "exact";
  return in_table && !exact ? torch_gain(nonlinearity, slope) : exact_gain(nonlinearity, slope);
}

template <Draw kDraw>
InitializerPtr kaiming(Options& o) {
  const double g = kaiming_gain(o);
  return variance_scaling({.scale = g * g, .fan = mode_of(o, "fan_in"), .draw = kDraw, .count = groups_of(o)});
}

template <Draw kDraw>
InitializerPtr lecun(Options& o) {
  return variance_scaling({.scale = 1.0, .fan = FanMode::in, .draw = kDraw, .count = groups_of(o)});
}

InitializerPtr scaling(Options& o) {
  const std::string draw = o.word("draw", "normal", {"normal", "truncated", "uniform"});
  return variance_scaling({.scale = positive(o.number("scale", 1.0), "scale"),
                           .fan = mode_of(o, "fan_in"),
                           .draw = draw == "normal"    ? Draw::normal
                                   : draw == "uniform" ? Draw::uniform
                                                       : Draw::truncated_normal,
                           .count = groups_of(o)});
}

InitializerPtr torch_default(Options& o) {
  return variance_scaling(
      {.scale = 1.0 / 3.0, .fan = FanMode::in, .draw = Draw::uniform, .count = groups_of(o), .biases = true});
}

InitializerPtr normal_of(Options& o) {
  const double mean = o.number("mean", 0.0);
  return normal(mean, o.number("std", 1.0));
}

InitializerPtr truncated_of(Options& o) {
  const double mean = o.number("mean", 0.0), std = o.number("std", 1.0), low = o.number("a", -2.0);
  return truncated_normal(mean, std, low, o.number("b", 2.0));
}

InitializerPtr uniform_of(Options& o) {
  const double low = o.number("a", 0.0);
  return uniform(low, o.number("b", 1.0));
}

struct Row {
  InitializerEntry entry;
  InitializerPtr (*make)(Options&);
};

const std::vector<Row>& rows() {
  static const std::vector<Row> list = {
      {{"constant", "value=0", "w = value", "torch.nn.init.constant_"},
       [](Options& o) { return constant(o.number("value", 0.0)); }},
      {{"zeros", "", "w = 0", "torch.nn.init.zeros_"}, [](Options&) { return constant(0.0); }},
      {{"ones", "", "w = 1", "torch.nn.init.ones_"}, [](Options&) { return constant(1.0); }},
      {{"uniform", "a=0, b=1", "U[a, b)", "torch.nn.init.uniform_"}, uniform_of},
      {{"normal", "mean=0, std=1", "N(mean, std^2)", "torch.nn.init.normal_"}, normal_of},
      {{"trunc_normal", "mean=0, std=1, a=-2, b=2", "N(mean, std^2) restricted to [a, b]",
        "torch.nn.init.trunc_normal_: absolute bounds"},
       truncated_of},
      {{"xavier_uniform", "gain=1, groups=exact|torch|ignored", "U(+-sqrt(3 v)), v = 2 gain^2 / (fan_in + fan_out)",
        "Glorot & Bengio 2010"},
       xavier<Draw::uniform>},
      {{"xavier_normal", "gain=1, groups=exact|torch|ignored", "N(0, 2 gain^2 / (fan_in + fan_out))",
        "Glorot & Bengio 2010"},
       xavier<Draw::normal>},
      {{"kaiming_uniform",
        "mode=fan_in|fan_out, a=0, nonlinearity=leaky_relu, gain=torch|exact, groups=exact|torch|ignored",
        "U(+-sqrt(3 v)), v = gain^2 / fan", "He et al. 2015"},
       kaiming<Draw::uniform>},
      {{"kaiming_normal",
        "mode=fan_in|fan_out, a=0, nonlinearity=leaky_relu, gain=torch|exact, groups=exact|torch|ignored",
        "N(0, gain^2 / fan), gain^2 = 2 / (1 + a^2)", "He et al. 2015"},
       kaiming<Draw::normal>},
      {{"lecun_uniform", "groups=exact|torch|ignored", "U(+-sqrt(3 / fan_in))", "LeCun et al. 1998"},
       lecun<Draw::uniform>},
      {{"lecun_normal", "groups=exact|torch|ignored", "N(0, 1 / fan_in)", "LeCun et al. 1998"}, lecun<Draw::normal>},
      {{"torch_default", "groups=exact|torch|ignored", "U(+-1 / sqrt(fan_in)), variance 1 / (3 fan_in); also biases",
        "PyTorch Conv2d and Linear since 1.0"},
       torch_default},
      {{"variance_scaling",
        "scale=1, mode=fan_in|fan_out|fan_avg|fan_geo, draw=normal|truncated|uniform, groups=exact|torch|ignored",
        "variance scale / fan", "Keras, JAX"},
       scaling},
      {{"orthogonal", "gain=1", "gain Q, Q with orthonormal rows or columns", "Saxe et al. 2014"},
       [](Options& o) { return orthogonal(o.number("gain", 1.0)); }},
      {{"dirac", "groups=1", "identity at the centre tap", "Zagoruyko & Komodakis 2017"},
       [](Options& o) { return dirac(o.integer("groups", 1, 1, 65536)); }},
      {{"eye", "", "identity matrix (linear)", "torch.nn.init.eye_"}, [](Options&) { return eye(); }},
      {{"sparse", "sparsity=0.9, std=0.01", "N(0, std^2), a share of each column 0 (linear)", "torch.nn.init.sparse_"},
       [](Options& o) {
         const double sparsity = o.number("sparsity", 0.9);
         return sparse(sparsity, o.number("std", 0.01));
       }},
  };
  return list;
}

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

}  // namespace

const std::vector<InitializerEntry>& initializer_catalog() {
  static const std::vector<InitializerEntry> entries = [] {
    std::vector<InitializerEntry> result;
    for (const Row& row : rows()) result.push_back(row.entry);
    return result;
  }();
  return entries;
}

InitializerPtr make_initializer(std::string_view text) {
  Options options("initializer", parse_spec(text));
  std::vector<std::string> known;
  for (const Row& row : rows()) {
    known.push_back(row.entry.name);
    if (row.entry.name != options.name()) continue;
    InitializerPtr result = row.make(options);
    options.finish();
    return result;
  }
  fail(ErrorKind::usage, "unknown initializer '{}'{}", options.name(), did_you_mean(options.name(), known));
}

std::unique_ptr<Scheme> make_scheme(std::string_view spec) {
  const std::string_view first = trim(spec.substr(0, spec.find(';')));
  std::vector<Rule> rules;
  TorchProgram program;
  if (is_rule(first)) {
    add_rules(spec, spec, rules);
    return by_rules(std::string(spec), std::move(rules));
  }
  if (const Preset* preset = find_preset(first)) {
    add_rules(spec, preset->rules, rules);
    program = preset->torch;
  } else {
    std::vector<std::string> known;
    for (const Row& row : rows()) known.push_back(row.entry.name);
    for (const Preset& one : presets()) known.push_back(one.name);
    const std::string name = parse_spec(first).name;
    FANIN_CHECK(std::find(known.begin(), known.end(), name) != known.end(), usage, "unknown scheme '{}'{}", name,
                did_you_mean(name, known));
    const InitializerPtr initializer = make_initializer(first);
    for (const char* role : {"conv", "linear"}) rules.push_back({role, initializer, true, first == "torch_default"});
  }
  if (first.size() < trim(spec).size()) add_rules(spec, spec.substr(spec.find(';') + 1), rules);
  return by_rules(std::string(spec), std::move(rules), program);
}

}  // namespace fanin
