// A scheme fills a whole network by role and leaves nothing to chance.
// SPDX-License-Identifier: MIT
#include "init/scheme.h"

#include "core/check.h"
#include "init/catalog.h"
#include "init/constant.h"
#include "models/catalog.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

Model prepared(const char* spec) {
  Model model = build_model(spec, {1, 16, 16, 3}, 10);
  model.network.prepare(model.logits, 1);
  return model;
}

TEST(Scheme, FillsEveryRole) {
  Model model = prepared("wrn-10-1");
  make_scheme("kaiming_normal")->apply(model.network, {}, 1);
  for (const Parameter* p : model.network.parameters())
    for (const float v : p->value) {
      ASSERT_TRUE(std::isfinite(v)) << p->name;
      if (p->role == Role::norm_scale) {
        ASSERT_EQ(v, 1.0f);
      }
      if (p->role == Role::norm_shift || p->role == Role::linear_bias) {
        ASSERT_EQ(v, 0.0f);
      }
    }
}

TEST(Scheme, RolesCanBeNamed) {
  Model model = prepared("plain-4-4");
  const std::unique_ptr<Scheme> scheme =
      make_scheme("conv=constant:value=2;linear=constant:value=3;bias=constant:value=4;linear_bias=ones");
  scheme->apply(model.network, {}, 1);
  EXPECT_EQ(model.network.find_parameter("conv0.weight")->value[0], 2.0f);
  EXPECT_EQ(model.network.find_parameter("fc.weight")->value[0], 3.0f);
  EXPECT_EQ(model.network.find_parameter("conv0.bias")->value[0], 4.0f);
  EXPECT_EQ(model.network.find_parameter("fc.bias")->value[0], 1.0f);
  EXPECT_EQ(scheme->describe(*model.network.find_parameter("fc.weight")), "constant 3");
  EXPECT_EQ(*scheme->variance(*model.network.find_parameter("fc.weight")), 0.0);
}

// Adding or removing layers changes no other layer's weights: each draws from a stream of its own name.
TEST(Scheme, AWeightDependsOnItsNameAlone) {
  Model deep = prepared("wrn-16-1"), shallow = prepared("wrn-10-1"), other = prepared("wrn-10-1");
  make_scheme("orthogonal")->apply(deep.network, {}, 1);
  make_scheme("orthogonal")->apply(shallow.network, {}, 1);
  make_scheme("orthogonal")->apply(other.network, {}, 2);
  for (const Parameter* p : shallow.network.parameters()) {
    const Parameter* same = deep.network.find_parameter(p->name);
    ASSERT_NE(same, nullptr) << p->name;
    EXPECT_TRUE(std::equal(p->value.begin(), p->value.end(), same->value.begin())) << p->name;
    if (p->role == Role::conv_weight) {
      const Parameter* another_seed = other.network.find_parameter(p->name);
      EXPECT_FALSE(std::equal(p->value.begin(), p->value.end(), another_seed->value.begin())) << p->name;
    }
  }
}

TEST(Scheme, WhatIsMissingOrImpossibleIsNamed) {
  Model model = prepared("wrn-10-1");
  const auto error_of = [&](const Scheme& scheme) -> std::string {
    try {
      scheme.apply(model.network, {}, 1);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(error_of(*by_rules("partial", {{"fc.bias", constant(1.0)}}))
                .find("conv0.weight: scheme 'partial' has no initializer"),
            std::string::npos);
  EXPECT_NE(error_of(*make_scheme("dirac")).find("fc.weight"), std::string::npos) << "dirac is for convolutions";
  EXPECT_NE(error_of(*make_scheme("normal:std=1e300")).find("finite"), std::string::npos);
  for (const char* spec :
       {"conv=", "conv=zeros;", "cnv=zeros", "=zeros", "conv=zeros;linear", "kaiming", "kaiming_normal;cnv=zeros",
        "prlz77-resnet", "kaiming_normal;", "kaiming_normal:a=1;fc.bias"})
    EXPECT_THROW(make_scheme(spec), Error) << spec;
}

TEST(Scheme, LaterRulesWinAndNamePatternsReachSingleWeights) {
  Model model = prepared("wrn-10-1");
  const std::unique_ptr<Scheme> scheme =
      make_scheme("kaiming_normal;norm_scale=constant:value=2;*.bn1.weight=zeros;fc.weight=ones");
  scheme->apply(model.network, {}, 1);
  const auto first = [&](const char* name) { return model.network.find_parameter(name)->value[0]; };
  EXPECT_EQ(first("group0.block0.bn0.weight"), 2.0f);
  EXPECT_EQ(first("group2.block0.bn1.weight"), 0.0f);
  EXPECT_EQ(first("fc.weight"), 1.0f);
  EXPECT_EQ(first("fc.bias"), 0.0f);
  EXPECT_EQ(scheme->rule(*model.network.find_parameter("group2.block0.bn1.weight")), "*.bn1.weight");
  EXPECT_EQ(scheme->rule(*model.network.find_parameter("conv0.weight")), "conv");
  EXPECT_EQ(scheme->rule(*model.network.find_parameter("fc.bias")), "default");
}

TEST(Scheme, ARuleThatMatchesNothingIsAnErrorUnlessItSaysSo) {
  Model model = prepared("wrn-10-1");
  EXPECT_THROW(make_scheme("kaiming_normal;*.bn7.weight=zeros")->apply(model.network, {}, 1), Error);
  EXPECT_THROW(make_scheme("kaiming_normal;conv_bias=zeros")->apply(model.network, {}, 1), Error);
  make_scheme("kaiming_normal;*.bn7.weight?=zeros;conv_bias?=ones")->apply(model.network, {}, 1);
}

}  // namespace
}  // namespace fanin
