// SPDX-License-Identifier: MIT
#include "init/constant.h"

#include "core/check.h"

#include <gtest/gtest.h>

#include <limits>

namespace fanin {
namespace {

TEST(Constant, FillsWithItsValue) {
  std::vector<float> w(12, 9.0f);
  constant(-0.5)->fill(WeightShape::linear(3, 4), w, Rng::stream(1, "x"));
  for (const float v : w) EXPECT_EQ(v, -0.5f);
  EXPECT_EQ(*constant(3.0)->variance(WeightShape::linear(3, 4)), 0.0);
  EXPECT_THROW(constant(std::numeric_limits<double>::infinity()), Error);
}

}  // namespace
}  // namespace fanin
