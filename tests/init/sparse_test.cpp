// SPDX-License-Identifier: MIT
#include "init/sparse.h"

#include "core/check.h"
#include "tests/support/weights.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

TEST(Sparse, ZerosPerColumnAndTheirPlacesAreDrawn) {
  const WeightShape shape = WeightShape::linear(40, 25);
  const std::vector<float> w = test::weights_of(*sparse(0.3), shape);
  std::vector<int> by_row(25);
  for (std::size_t column = 0; column < 40; ++column) {
    int zeros = 0;
    for (std::size_t row = 0; row < 25; ++row)
      if (w[row * 40 + column] == 0.0f) {
        ++zeros;
        ++by_row[row];
      }
    EXPECT_EQ(zeros, 8) << "ceil(0.3 * 25)";
  }
  // Each row is zero in 8 of 25 columns on average: 12.8 of 40, binomial deviation below 3.
  for (const int zeros : by_row) EXPECT_NEAR(zeros, 12.8, 15.0);
  EXPECT_DOUBLE_EQ(*sparse(0.3, 2.0)->variance(shape), 4.0 * 17 / 25);
}

TEST(Sparse, Refusals) {
  EXPECT_THROW(sparse(1.1), Error);
  EXPECT_THROW(sparse(0.5, -1.0), Error);
  EXPECT_THROW(test::weights_of(*sparse(0.5), WeightShape::conv(3, 3, 3, 1)), Error);
}

}  // namespace
}  // namespace fanin
