// SPDX-License-Identifier: MIT
#include "init/variance_scaling.h"

#include "core/check.h"
#include "init/catalog.h"
#include "tests/support/weights.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

const WeightShape kGrouped = WeightShape::conv(3, 8, 4, 2);

std::vector<float> draw(const InitializerPtr& initializer) { return test::weights_of(*initializer, kGrouped); }

// LeCun, Glorot, He and PyTorch's default are rows of the one formula: equal to the last bit.
TEST(VarianceScaling, NamedSchemesAreRows) {
  EXPECT_EQ(draw(make_initializer("kaiming_normal")),
            draw(variance_scaling({.scale = std::sqrt(2.0) * std::sqrt(2.0), .fan = FanMode::in})));
  EXPECT_EQ(draw(make_initializer("xavier_uniform")),
            draw(variance_scaling({.scale = 1.0, .fan = FanMode::average, .draw = Draw::uniform})));
  EXPECT_EQ(draw(make_initializer("lecun_normal")), draw(make_initializer("variance_scaling")));
  EXPECT_EQ(draw(make_initializer("torch_default")),
            draw(variance_scaling({.scale = 1.0 / 3.0, .fan = FanMode::in, .draw = Draw::uniform})));
}

TEST(VarianceScaling, SupportsAreBounded) {
  const double promised = *variance_scaling({.scale = 1.0, .draw = Draw::truncated_normal})->variance(kGrouped);
  EXPECT_NEAR(promised, 1.0 / 36.0, 1e-15);
  for (const float v : draw(variance_scaling({.scale = 1.0, .draw = Draw::truncated_normal})))
    EXPECT_LE(std::fabs(v), 2.0 / 0.8796 * std::sqrt(promised));
}

// U(+-1 / sqrt(fan_in)) with the fan of the layer's weight, as PyTorch's reset_parameters draws biases.
TEST(VarianceScaling, BiasesHaveTheFansOfTheirLayer) {
  const WeightShape weight = WeightShape::conv(3, 8, 400, 2), bias = WeightShape::bias(weight);
  const InitializerPtr rule = make_initializer("torch_default");
  EXPECT_EQ(bias.size(), 400u);
  EXPECT_DOUBLE_EQ(*rule->variance(bias), 1.0 / 3 / 36);
  EXPECT_DOUBLE_EQ(*make_initializer("torch_default:groups=ignored")->variance(bias), 1.0 / 3 / 72);
  for (const float b : test::weights_of(*rule, bias)) EXPECT_LE(std::fabs(b), 1.0f / 6.0f);
  EXPECT_THROW(make_initializer("kaiming_uniform")->variance(bias), Error) << "PyTorch needs two dimensions";
}

TEST(VarianceScaling, ImpossibleRules) { EXPECT_THROW(variance_scaling({.scale = 0.0}), Error); }

}  // namespace
}  // namespace fanin
