// Against matrices written out.
// SPDX-License-Identifier: MIT
#include "init/idinit.h"

#include "tests/support/weights.h"

#include <gtest/gtest.h>

namespace fanin {
namespace {

TEST(IdInit, TheIdentityIsRepeatedAlongTheLongerSide) {
  EXPECT_EQ(test::weights_of(*idinit(2.0), WeightShape::linear(5, 2)), (std::vector<float>{2, 0, 2, 0, 2,  //
                                                                                           0, 2, 0, 2, 0}));
  EXPECT_EQ(test::weights_of(*idinit(1.0), WeightShape::linear(2, 3)), (std::vector<float>{1, 0,  //
                                                                                           0, 1,  //
                                                                                           1, 0}));
  EXPECT_EQ(test::weights_of(*idinit(1e-6), WeightShape::linear(1, 1)), (std::vector<float>{1e-6f}));
}

TEST(IdInit, AConvolutionHasItAtTheCentreOfEachGroup) {
  const std::vector<float> w = test::weights_of(*idinit(1.0), WeightShape::conv(3, 2, 4, 2));
  for (std::size_t k = 0; k < w.size(); ++k) EXPECT_EQ(w[k], k % 9 == 4 ? 1.0f : 0.0f) << k;
}

}  // namespace
}  // namespace fanin
