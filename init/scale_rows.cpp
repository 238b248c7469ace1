// SPDX-License-Identifier: MIT
#include "core/check.h"
#include "init/constant.h"
#include "init/fixed.h"
#include "init/gain.h"
#include "init/random_walk.h"
#include "init/rows.h"
#include "init/variance_scaling.h"

#include <algorithm>

namespace fanin {

namespace {

FanMode mode_of(SpecOptions& o, const std::string& fallback) {
  const std::string name = o.word("mode", fallback, {"fan_in", "fan_out", "fan_avg", "fan_geo"});
  if (name == "fan_out") return FanMode::out;
  if (name == "fan_avg") return FanMode::average;
  return name == "fan_geo" ? FanMode::geometric_mean : FanMode::in;
}

FanCount groups_of(SpecOptions& o) {
  const std::string name = o.word("groups", "exact", {"exact", "torch", "ignored"});
  if (name == "torch") return FanCount::torch;
  return name == "ignored" ? FanCount::ignored : FanCount::exact;
}

double positive(double value, const char* name) {
  FANIN_CHECK(value > 0.0, usage, "{} = {}; it must be above 0", name, value);
  return value;
}

template <Draw kDraw>
InitializerPtr xavier(SpecOptions& o) {
  const double gain = positive(o.number("gain", 1.0), "gain");
  return variance_scaling({.scale = gain * gain, .fan = FanMode::average, .draw = kDraw, .count = groups_of(o)});
}

// PyTorch's gain where its table has the nonlinearity, else the exact one; gain=exact takes that for all. As in
// PyTorch, `a` counts only for leaky_relu, which is the default, so the default gain is sqrt(2).
double kaiming_gain(SpecOptions& o) {
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

// What dropout at rate p leaves is divided by 1 - p, which multiplies the second moment by 1 / (1 - p); a layer that reads
// it takes that back. Forward only: backward the factor is the reader's.
double dropout_factor(SpecOptions& o) {
  const double rate = o.number("dropout", 0.0);
  FANIN_CHECK(rate >= 0.0 && rate < 1.0, usage, "dropout = {}; give at least 0 and below 1", rate);
  return 1.0 - rate;
}

template <Draw kDraw>
InitializerPtr kaiming(SpecOptions& o) {
  const double g = kaiming_gain(o);
  return variance_scaling(
      {.scale = g * g * dropout_factor(o), .fan = mode_of(o, "fan_in"), .draw = kDraw, .count = groups_of(o)});
}

template <Draw kDraw>
InitializerPtr lecun(SpecOptions& o) {
  return variance_scaling({.scale = 1.0, .fan = FanMode::in, .draw = kDraw, .count = groups_of(o)});
}

InitializerPtr scaling(SpecOptions& o) {
  const std::string draw = o.word("draw", "normal", {"normal", "truncated", "uniform"});
  return variance_scaling({.scale = positive(o.number("scale", 1.0), "scale"),
                           .fan = mode_of(o, "fan_in"),
                           .draw = draw == "normal"    ? Draw::normal
                                   : draw == "uniform" ? Draw::uniform
                                                       : Draw::truncated_normal,
                           .count = groups_of(o)});
}

InitializerPtr torch_default(SpecOptions& o) {
  return variance_scaling(
      {.scale = 1.0 / 3.0, .fan = FanMode::in, .draw = Draw::uniform, .count = groups_of(o), .biases = true});
}

InitializerPtr torch7_default(SpecOptions&) {
  return variance_scaling(
      {.scale = 1.0 / 3.0, .fan = FanMode::in, .draw = Draw::uniform, .count = FanCount::ignored, .biases = true});
}

// Residual networks add L branches; each must add 1 / L of the variance for the sum to stay bounded.
InitializerPtr depth_scaled(SpecOptions& o) {
  FANIN_CHECK(o.has("depth"), usage,
              "depth_scaled needs depth=, the number of residual blocks (or layers), such as depth_scaled:depth=12");
  const int depth = o.integer("depth", 1, 1, 1000000);
  return variance_scaling({.scale = positive(o.number("scale", 2.0), "scale") / depth,
                           .fan = mode_of(o, "fan_in"),
                           .draw = Draw::normal,
                           .count = groups_of(o)});
}

InitializerPtr random_walk_of(SpecOptions& o) {
  return random_walk(o.word("nonlinearity", "relu", {"relu", "linear"}) == "relu" ? WalkThrough::relu
                                                                                  : WalkThrough::linear);
}

InitializerPtr normal_of(SpecOptions& o) {
  const double mean = o.number("mean", 0.0);
  return normal(mean, o.number("std", 1.0));
}

InitializerPtr truncated_of(SpecOptions& o) {
  const double mean = o.number("mean", 0.0), std = o.number("std", 1.0), low = o.number("a", -2.0);
  return truncated_normal(mean, std, low, o.number("b", 2.0));
}

InitializerPtr uniform_of(SpecOptions& o) {
  const double low = o.number("a", 0.0);
  return uniform(low, o.number("b", 1.0));
}

}  // namespace

const std::vector<InitializerRow>& scale_rows() {
  static const std::vector<InitializerRow> list = {
      {{"constant", "value=0", "w = value", "torch.nn.init.constant_",
        "none; all units of a layer stay equal for ever"},
       [](SpecOptions& o) { return constant(o.number("value", 0.0)); }},
      {{"zeros", "", "w = 0", "torch.nn.init.zeros_",
        "none for weights: with ReLU no gradient reaches them; the custom for biases"},
       [](SpecOptions&) { return constant(0.0); }},
      {{"ones", "", "w = 1", "torch.nn.init.ones_", "none for weights; the custom for norm scales"},
       [](SpecOptions&) { return constant(1.0); }},
      {{"uniform", "a=0, b=1", "U[a, b)", "torch.nn.init.uniform_", "none; the reader chooses the bounds"}, uniform_of},
      {{"normal", "mean=0, std=1", "N(mean, std^2)", "torch.nn.init.normal_",
        "works in shallow networks, fails in deep ones (He et al. 2015 on VGG)"},
       normal_of},
      {{"trunc_normal", "mean=0, std=1, a=-2, b=2", "N(mean, std^2) restricted to [a, b]",
        "torch.nn.init.trunc_normal_: absolute bounds", "like normal, without outliers"},
       truncated_of},
      {{"xavier_uniform", "gain=1, groups=exact|torch|ignored", "U(+-sqrt(3 v)), v = 2 gain^2 / (fan_in + fan_out)",
        "Glorot & Bengio 2010",
        "a compromise: keeps neither the size of signals nor of gradients exactly, but both nearly, near zero of tanh"},
       xavier<Draw::uniform>},
      {{"xavier_normal", "gain=1, groups=exact|torch|ignored", "N(0, 2 gain^2 / (fan_in + fan_out))",
        "Glorot & Bengio 2010", "as xavier_uniform"},
       xavier<Draw::normal>},
      {{"kaiming_uniform",
        "mode=fan_in|fan_out, a=0, nonlinearity=leaky_relu, gain=torch|exact, dropout=0, groups=exact|torch|ignored",
        "U(+-sqrt(3 v)), v = gain^2 / fan", "He et al. 2015", "as kaiming_normal"},
       kaiming<Draw::uniform>},
      {{"kaiming_normal",
        "mode=fan_in|fan_out, a=0, nonlinearity=leaky_relu, gain=torch|exact, dropout=0, groups=exact|torch|ignored",
        "N(0, gain^2 / fan), gain^2 = 2 / (1 + a^2)", "He et al. 2015",
        "ReLU halves the second moment, 2 / fan restores it: 30-layer plain networks train"},
       kaiming<Draw::normal>},
      {{"lecun_uniform", "groups=exact|torch|ignored", "U(+-sqrt(3 / fan_in))", "LeCun et al. 1998", "as lecun_normal"},
       lecun<Draw::uniform>},
      {{"lecun_normal", "groups=exact|torch|ignored", "N(0, 1 / fan_in)", "LeCun et al. 1998",
        "unit variance for linear units; what SELU needs (Klambauer et al. 2017)"},
       lecun<Draw::normal>},
      {{"torch_default", "groups=exact|torch|ignored", "U(+-1 / sqrt(fan_in)), variance 1 / (3 fan_in); also biases",
        "PyTorch Conv2d and Linear since 1.0", "none made; through ReLU every layer divides the second moment by 6"},
       torch_default},
      {{"variance_scaling",
        "scale=1, mode=fan_in|fan_out|fan_avg|fan_geo, draw=normal|truncated|uniform, groups=exact|torch|ignored",
        "variance scale / fan", "Keras, JAX", "the umbrella over all of these"},
       scaling},
      {{"torch7_default", "", "U(+-1 / sqrt(fan_in)), fan_in not divided by groups; also biases",
        "torch/nn reset(); PyTorch to 0.4", "none made"},
       torch7_default},
      {{"depth_scaled",
        "depth (must be given), scale=2, mode=fan_in|fan_out|fan_avg|fan_geo, groups=exact|torch|ignored",
        "N(0, scale / (depth fan))", "Taki 2017",
        "residual networks without norm: the output stays bounded, where scale / fan doubles it with each block",
        "depth_scaled:depth=12"},
       depth_scaled},
      {{"random_walk", "nonlinearity=relu|linear",
        "N(0, g^2 / fan_in), g = sqrt 2 exp(1.2 / (max(fan_in, 6) - 2.4)) for relu, exp(1 / (2 fan_in)) for linear",
        "Sussillo & Abbott 2014", "the log of the gradient's norm drifts neither up nor down: 1000-layer MLPs train"},
       random_walk_of},
  };
  return list;
}

}  // namespace fanin
