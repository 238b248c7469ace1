// SPDX-License-Identifier: MIT
#include "init/eye.h"

#include "core/check.h"
#include "tests/support/weights.h"

#include <gtest/gtest.h>

namespace fanin {
namespace {

TEST(Eye, OnesOnTheMainDiagonal) {
  EXPECT_EQ(test::weights_of(*eye(), WeightShape::linear(3, 2)), (std::vector<float>{1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(test::weights_of(*eye(), WeightShape::linear(2, 3)), (std::vector<float>{1, 0, 0, 1, 0, 0}));
  EXPECT_THROW(test::weights_of(*eye(), WeightShape::conv(1, 3, 3, 1)), Error);
}

}  // namespace
}  // namespace fanin
