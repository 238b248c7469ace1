// Each preset against the table of what its system does, worked out by hand for one grouped convolution, one linear
// layer with bias and one norm.
// SPDX-License-Identifier: MIT
#include "init/presets.h"

#include "core/check.h"
#include "init/catalog.h"
#include "init/layer_pass.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace fanin {
namespace {

struct Expected {
  double conv, conv_bias, norm_scale, linear, linear_bias;  // variances
};

// conv: 3x3, 64 -> 128 in 4 groups. linear: 256 -> 10.
const double kIn = 9 * 16, kInAll = 9 * 64, kOutAll = 9 * 128, kLinear = 256, kThird = 1.0 / 3.0, kGamma = 1.0 / 12.0;
const std::map<std::string, Expected> kTable = {
    {"fb-resnext", {2 / kOutAll, 0, 0, kThird / kLinear, 0}},
    {"prlz77-resnext", {2 / kOutAll, 0, 0, 2 / kLinear, 0}},
    {"bamos-densenet", {2 / kOutAll, 0, 0, kThird / kLinear, 0}},
    {"wrn-lua", {2 / kInAll, 0, kGamma, kThird / kLinear, 0}},
    {"wrn-lua-2016", {2 / kOutAll, 0, kGamma, kThird / kLinear, 0}},
    {"wrn-lua-vgg", {2 / kInAll, 0, kGamma, kThird / kLinear, kThird / kLinear}},
    {"wrn-pytorch", {2 / kIn, 0, kGamma, 2 / kLinear, 0}},
    {"torch7-default", {kThird / kInAll, kThird / kInAll, kGamma, kThird / kLinear, kThird / kLinear}},
    {"pytorch-0.4-default", {kThird / kInAll, kThird / kInAll, kGamma, kThird / kLinear, kThird / kLinear}},
    {"pytorch-default", {kThird / kIn, kThird / kIn, 0, kThird / kLinear, kThird / kLinear}},
    {"torchvision-resnet", {2 / kOutAll, 0, 0, kThird / kLinear, kThird / kLinear}},
    {"keras-default", {2 / (kIn + kOutAll), 0, 0, 2 / (kLinear + 10), 0}},
    {"flax-default", {1 / kIn, 0, 0, 1 / kLinear, 0}},
    {"gamma-one", {2 / kIn, 0, 0, 2 / kLinear, 0}},
    {"gamma-uniform", {2 / kIn, 0, kGamma, 2 / kLinear, 0}},
    {"fail-zeros", {0, 0, 0, 0, 0}},
    {"fail-constant", {0, 0, 0, 0, 0}},
    {"fail-small", {0.02 / kIn, 0, 0, 0.02 / kLinear, 0}},
    {"fail-large", {20 / kIn, 0, 0, 20 / kLinear, 0}},
};

Parameter parameter(const char* name, Role role, const WeightShape& shape) {
  return {.name = name, .role = role, .shape = shape, .value = {}, .grad = {}};
}

TEST(Presets, VariancesAreThoseOfTheirSystems) {
  EXPECT_EQ(presets().size(), kTable.size());
  const WeightShape conv = WeightShape::conv(3, 64, 128, 4), linear = WeightShape::linear(256, 10);
  for (const Preset& preset : presets()) {
    const Expected& e = kTable.at(preset.name);
    const std::unique_ptr<Scheme> scheme = make_scheme(preset.name);
    const auto variance = [&](Role role, const WeightShape& shape) {
      return *scheme->variance(parameter("x.weight", role, shape));
    };
    const double rounding = 1e-14;
    EXPECT_NEAR(variance(Role::conv_weight, conv), e.conv, rounding) << preset.name;
    EXPECT_NEAR(variance(Role::conv_bias, WeightShape::bias(conv)), e.conv_bias, rounding) << preset.name;
    EXPECT_NEAR(variance(Role::norm_scale, WeightShape::vector(128)), e.norm_scale, rounding) << preset.name;
    EXPECT_NEAR(variance(Role::linear_weight, linear), e.linear, rounding) << preset.name;
    EXPECT_NEAR(variance(Role::linear_bias, WeightShape::bias(linear)), e.linear_bias, rounding) << preset.name;
    EXPECT_EQ(variance(Role::norm_shift, WeightShape::vector(128)), 0.0) << preset.name;
  }
}

// The means: gamma is 1 where it is not U(0, 1), and every other parameter is centred.
TEST(Presets, NormScalesAreOneOrUniform) {
  const WeightShape shape = WeightShape::vector(4);
  for (const Preset& preset : presets()) {
    const std::unique_ptr<Scheme> scheme = make_scheme(preset.name);
    const Parameter gamma = parameter("bn.weight", Role::norm_scale, shape);
    const std::string expected = kTable.at(preset.name).norm_scale == 0.0 ? "constant 1" : "uniform from 0 to 1";
    EXPECT_EQ(scheme->describe(gamma), expected) << preset.name;
  }
}

// The standard deviation of the last hidden output of a ReLU network, and how many of its channels differ.
struct AtBirth {
  double size = 0;
  std::size_t different = 0;
};
AtBirth at_birth(const char* scheme) {
  test::Specimen s("mlp-5-64");
  make_scheme(scheme)->apply(s.net(), {}, 1);
  AtBirth result;
  WatchedPasses passes(s.net(), 1, [&](std::string_view node, ConstView v) {
    if (node != "act4") return;
    double square = 0.0;
    for (std::size_t p = 0; p < v.shape.pixels(); ++p)
      for (int c = 0; c < 64; ++c) square += static_cast<double>(v.pixel(p)[c]) * static_cast<double>(v.pixel(p)[c]);
    result.size = std::sqrt(square / static_cast<double>(v.shape.size()));
    result.different = std::set<float>(v.pixel(0), v.pixel(0) + 64).size();
  });
  passes.forward(s.batch());
  return result;
}

// Each fails in the way that its text says.
TEST(Presets, TheFailuresFail) {
  const AtBirth sound = at_birth("kaiming_normal");
  EXPECT_GT(sound.different, 16u);
  EXPECT_EQ(at_birth("fail-zeros").size, 0.0);
  EXPECT_EQ(at_birth("fail-constant").different, 1u);
  // Five layers, each with a hundredth or ten times the variance of the same draws: exactly, up to rounding.
  EXPECT_NEAR(at_birth("fail-small").size / sound.size, 1e-5, 1e-5 * 5 * 200 * 0x1p-24);
  EXPECT_NEAR(at_birth("fail-large").size / sound.size, std::pow(10.0, 2.5), std::pow(10.0, 2.5) * 5 * 200 * 0x1p-24);
}

// What the residual branches of a ResNet add, per channel: BatchNorm makes the variance 1 and gamma multiplies it by its
// square, whose mean is 1, 1/3 and 0. There are 2 * (64 + 128 + 256) draws of U(0, 1), whose square has variance 4/45.
double mean_branch_variance(const char* scheme) {
  test::Specimen s("resnet-14:width=64");
  make_scheme(scheme)->apply(s.net(), s.batch(), 1);
  double sum = 0.0, channels = 0.0;
  WatchedPasses passes(s.net(), 1, [&](std::string_view node, ConstView v) {
    if (!node.ends_with(".bn2")) return;
    for (int c = 0; c < v.shape.channels; ++c) sum += output_moments(v.channels(c, 1)).variance;
    channels += v.shape.channels;
  });
  passes.forward(s.batch());
  EXPECT_EQ(channels, 896.0);
  return sum / channels;
}

TEST(Presets, GammaPoliciesScaleTheBranches) {
  EXPECT_NEAR(mean_branch_variance("gamma-one"), 1.0, 1e-3);  // epsilon 1e-5 over variances above 0.01
  EXPECT_NEAR(mean_branch_variance("gamma-uniform"), 1.0 / 3.0, 5.0 * std::sqrt(4.0 / 45.0 / 896.0) + 1e-3);
  EXPECT_EQ(mean_branch_variance("zero_gamma"), 0.0);
}

TEST(Presets, GammaPoliciesNeedANorm) {
  test::Specimen s("plain-4-4");
  for (const char* name : {"gamma-one", "gamma-uniform"})
    EXPECT_THROW(make_scheme(name)->apply(s.net(), {}, 1), Error) << name;
}

TEST(Presets, ThePageNamesThemAll) {
  std::ifstream file(FANIN_SOURCE_DIR "/docs/initializers.md");
  std::stringstream page;
  page << file.rdbuf();
  for (const Preset& preset : presets())
    EXPECT_NE(page.str().find("| `" + preset.name + "` |"), std::string::npos) << preset.name;
}

}  // namespace
}  // namespace fanin
