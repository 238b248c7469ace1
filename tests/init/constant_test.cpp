// SPDX-License-Identifier: MIT
#include "init/constant.h"

#include "core/check.h"
#include "tests/support/weights.h"

#include <gtest/gtest.h>

#include <limits>

namespace fanin {
namespace {

TEST(Constant, FillsWithItsValue) {
  for (const float v : test::weights_of(*constant(-0.5), WeightShape::linear(3, 4))) EXPECT_EQ(v, -0.5f);
  EXPECT_EQ(*constant(3.0)->variance(WeightShape::linear(3, 4)), 0.0);
  EXPECT_THROW(constant(std::numeric_limits<double>::infinity()), Error);
}

}  // namespace
}  // namespace fanin
