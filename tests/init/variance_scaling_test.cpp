// SPDX-License-Identifier: MIT
#include "init/variance_scaling.h"

#include "core/check.h"
#include "init/catalog.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

std::vector<float> draw(const InitializerPtr& initializer) {
  const WeightShape shape = WeightShape::conv(3, 8, 4, 2);
  std::vector<float> w(shape.size());
  initializer->fill(shape, w, Rng::stream(1, "w"));
  return w;
}

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
  const double std = 0.5;
  for (const float v : draw(uniform(-1.0, 2.0))) {
    EXPECT_GE(v, -1.0f);
    EXPECT_LE(v, 2.0f);
  }
  const WeightShape shape = WeightShape::conv(3, 8, 4, 2);
  const double promised = *variance_scaling({.scale = 1.0, .draw = Draw::truncated_normal})->variance(shape);
  for (const float v : draw(variance_scaling({.scale = 1.0, .draw = Draw::truncated_normal})))
    EXPECT_LE(std::fabs(v), 2.0 / 0.8796 * std::sqrt(promised));
  for (const float v : draw(normal(3.0, 0.0))) EXPECT_EQ(v, 3.0f);
  EXPECT_EQ(*normal(1.0, std)->variance(shape), 0.25);
}

TEST(VarianceScaling, ImpossibleRules) {
  EXPECT_THROW(variance_scaling({.scale = 0.0}), Error);
  EXPECT_THROW(normal(0.0, -1.0), Error);
  EXPECT_THROW(uniform(1.0, 0.0), Error);
}

}  // namespace
}  // namespace fanin
