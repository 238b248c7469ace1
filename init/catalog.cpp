// SPDX-License-Identifier: MIT
#include "init/catalog.h"

#include "core/check.h"
#include "core/text.h"
#include "init/constant.h"
#include "init/dirac.h"
#include "init/gain.h"
#include "init/orthogonal.h"
#include "init/variance_scaling.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

// The options of an initializer's spec. Every getter marks its key as known; finish() refuses what nobody asked for.
class Options {
 public:
  explicit Options(const Spec& spec) : spec_(spec) {}

  double number(const std::string& key, double fallback) {
    const std::string* text = find(key);
    if (text == nullptr) return fallback;
    const std::optional<double> value = parse_number(*text);
    FANIN_CHECK(value, usage, "initializer '{}': {}={} must be a number", spec_.name, key, *text);
    return *value;
  }
  std::string word(const std::string& key, const std::string& fallback, const std::vector<std::string>& legal) {
    const std::string* text = find(key);
    if (text == nullptr) return fallback;
    FANIN_CHECK(std::find(legal.begin(), legal.end(), *text) != legal.end(), usage,
                "initializer '{}': unknown {} '{}'{}", spec_.name, key, *text, did_you_mean(*text, legal));
    return *text;
  }
  FanMode mode(const std::string& fallback) {
    const std::string name = word("mode", fallback, {"fan_in", "fan_out", "fan_avg", "fan_geo"});
    if (name == "fan_out") return FanMode::out;
    if (name == "fan_avg") return FanMode::average;
    return name == "fan_geo" ? FanMode::geometric_mean : FanMode::in;
  }
  FanCount groups() {
    return word("groups", "exact", {"exact", "torch"}) == "torch" ? FanCount::torch : FanCount::exact;
  }
  void finish() const {
    for (const std::pair<std::string, std::string>& option : spec_.options)
      FANIN_CHECK(std::find(known_.begin(), known_.end(), option.first) != known_.end(), usage,
                  "initializer '{}': unknown option '{}'{}", spec_.name, option.first,
                  known_.empty() ? std::string("; it takes none") : did_you_mean(option.first, known_));
  }

 private:
  const std::string* find(const std::string& key) {
    known_.push_back(key);
    for (const std::pair<std::string, std::string>& option : spec_.options)
      if (option.first == key) return &option.second;
    return nullptr;
  }
  const Spec& spec_;
  std::vector<std::string> known_;
};

double positive(double value, const char* name) {
  FANIN_CHECK(value > 0.0, usage, "{} = {}; it must be above 0", name, value);
  return value;
}

template <Draw kDraw>
InitializerPtr xavier(Options& o) {
  const double gain = positive(o.number("gain", 1.0), "gain");
  return variance_scaling({.scale = gain * gain, .fan = FanMode::average, .draw = kDraw, .count = o.groups()});
}

// As torch: `a` counts only for leaky_relu, which is the default, so the default gain is sqrt(2).
template <Draw kDraw>
InitializerPtr kaiming(Options& o) {
  const double slope = o.number("a", 0.0);
  const double g = gain(o.word("nonlinearity", "leaky_relu", gain_names()), slope);
  return variance_scaling({.scale = g * g, .fan = o.mode("fan_in"), .draw = kDraw, .count = o.groups()});
}

template <Draw kDraw>
InitializerPtr lecun(Options& o) {
  return variance_scaling({.scale = 1.0, .fan = FanMode::in, .draw = kDraw, .count = o.groups()});
}

InitializerPtr scaling(Options& o) {
  const std::string draw = o.word("draw", "normal", {"normal", "truncated", "uniform"});
  return variance_scaling({.scale = positive(o.number("scale", 1.0), "scale"),
                           .fan = o.mode("fan_in"),
                           .draw = draw == "normal"    ? Draw::normal
                                   : draw == "uniform" ? Draw::uniform
                                                       : Draw::truncated_normal,
                           .count = o.groups()});
}

InitializerPtr dirac_of(Options& o) {
  const double groups = o.number("groups", 1.0);
  FANIN_CHECK(groups >= 1.0 && groups <= 65536.0 && groups == std::floor(groups), usage,
              "dirac with groups={}; it must be a whole number of at least 1", groups);
  return dirac(static_cast<int>(groups));
}

InitializerPtr normal_of(Options& o) {
  const double mean = o.number("mean", 0.0);
  return normal(mean, o.number("std", 1.0));
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
      {{"xavier_uniform", "gain=1, groups=exact|torch", "U(+-sqrt(3 v)), v = 2 gain^2 / (fan_in + fan_out)",
        "Glorot & Bengio 2010"},
       xavier<Draw::uniform>},
      {{"xavier_normal", "gain=1, groups=exact|torch", "N(0, 2 gain^2 / (fan_in + fan_out))", "Glorot & Bengio 2010"},
       xavier<Draw::normal>},
      {{"kaiming_uniform", "mode=fan_in|fan_out, a=0, nonlinearity=leaky_relu, groups=exact|torch",
        "U(+-sqrt(3 v)), v = gain^2 / fan", "He et al. 2015"},
       kaiming<Draw::uniform>},
      {{"kaiming_normal", "mode=fan_in|fan_out, a=0, nonlinearity=leaky_relu, groups=exact|torch",
        "N(0, gain^2 / fan), gain^2 = 2 / (1 + a^2)", "He et al. 2015"},
       kaiming<Draw::normal>},
      {{"lecun_uniform", "groups=exact|torch", "U(+-sqrt(3 / fan_in))", "LeCun et al. 1998"}, lecun<Draw::uniform>},
      {{"lecun_normal", "groups=exact|torch", "N(0, 1 / fan_in)", "LeCun et al. 1998"}, lecun<Draw::normal>},
      {{"torch_default", "", "U(+-1 / sqrt(fan_in)), variance 1 / (3 fan_in)", "PyTorch Conv2d and Linear since 1.0"},
       [](Options&) { return variance_scaling({.scale = 1.0 / 3.0, .fan = FanMode::in, .draw = Draw::uniform}); }},
      {{"variance_scaling",
        "scale=1, mode=fan_in|fan_out|fan_avg|fan_geo, draw=normal|truncated|uniform, groups=exact|torch",
        "variance scale / fan", "Keras, JAX"},
       scaling},
      {{"orthogonal", "gain=1", "gain Q, Q with orthonormal rows or columns", "Saxe et al. 2014"},
       [](Options& o) { return orthogonal(o.number("gain", 1.0)); }},
      {{"dirac", "groups=1", "identity at the centre tap", "Zagoruyko & Komodakis 2017"}, dirac_of},
  };
  return list;
}

struct RoleName {
  const char* name;
  std::vector<Role> roles;
};

const std::vector<RoleName>& role_names() {
  static const std::vector<RoleName> names = {
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
  return names;
}

const RoleName& role_named(std::string_view name) {
  std::vector<std::string> known;
  for (const RoleName& row : role_names()) {
    if (name == row.name) return row;
    known.emplace_back(row.name);
  }
  fail(ErrorKind::usage, "scheme: unknown role '{}'{}", name, did_you_mean(name, known));
}

// Is this "role=spec;..." rather than one initializer? Then an '=' comes before any ':'.
bool names_roles(std::string_view spec) { return spec.find('=') < spec.find(':'); }

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
  const Spec spec = parse_spec(text);
  std::vector<std::string> known;
  for (const Row& row : rows()) {
    known.push_back(row.entry.name);
    if (row.entry.name != spec.name) continue;
    Options options(spec);
    InitializerPtr result = row.make(options);
    options.finish();
    return result;
  }
  fail(ErrorKind::usage, "unknown initializer '{}'{}", spec.name, did_you_mean(spec.name, known));
}

std::unique_ptr<Scheme> make_scheme(std::string_view spec) {
  RoleTable table;
  for (const Role zero : {Role::conv_bias, Role::linear_bias, Role::norm_shift, Role::scalar_bias})
    table[zero] = constant(0.0);
  for (const Role one : {Role::norm_scale, Role::scalar_multiplier}) table[one] = constant(1.0);
  if (!names_roles(spec)) {
    table[Role::conv_weight] = table[Role::linear_weight] = make_initializer(spec);
    return by_role(std::string(spec), std::move(table));
  }
  for (const std::string_view part : split(spec, ';')) {
    const std::size_t equals = part.find('=');
    FANIN_CHECK(equals != std::string_view::npos, usage,
                "scheme '{}': '{}' has no '='; write role=initializer, separated by ';'", spec, part);
    const InitializerPtr initializer = make_initializer(part.substr(equals + 1));
    for (const Role role : role_named(trim(part.substr(0, equals))).roles) table[role] = initializer;
  }
  FANIN_CHECK(table.contains(Role::conv_weight) || table.contains(Role::linear_weight), usage,
              "scheme '{}' names neither conv nor linear; give at least one", spec);
  if (!table.contains(Role::linear_weight)) table[Role::linear_weight] = table[Role::conv_weight];
  if (!table.contains(Role::conv_weight)) table[Role::conv_weight] = table[Role::linear_weight];
  return by_role(std::string(spec), std::move(table));
}

}  // namespace fanin
