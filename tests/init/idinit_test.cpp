// Against matrices written out.
// SPDX-License-Identifier: MIT
#include "init/idinit.h"

#include "tests/support/distribution.h"
#include "tests/support/weights.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

TEST(IdInit, TheIdentityIsRepeatedAlongTheLongerSide) {
  EXPECT_EQ(test::weights_of(*idinit({.tau = 2.0}), WeightShape::linear(5, 2)), (std::vector<float>{2, 0, 2, 0, 2,  //
                                                                                                    0, 2, 0, 2, 0}));
  EXPECT_EQ(test::weights_of(*idinit({}), WeightShape::linear(2, 3)), (std::vector<float>{1, 0,  //
                                                                                          0, 1,  //
                                                                                          1, 0}));
  EXPECT_EQ(test::weights_of(*idinit({.tau = 1e-6}), WeightShape::linear(1, 1)), (std::vector<float>{1e-6f}));
}

TEST(IdInit, AConvolutionHasItAtTheCentreOfEachGroup) {
  const std::vector<float> w = test::weights_of(*idinit({}), WeightShape::conv(3, 2, 4, 2));
  for (std::size_t k = 0; k < w.size(); ++k) EXPECT_EQ(w[k], k % 9 == 4 ? 1.0f : 0.0f) << k;
}

TEST(IdInit, WideMatricesCanHaveItOnce) {
  EXPECT_EQ(test::weights_of(*idinit({.once = true}), WeightShape::linear(5, 2)), (std::vector<float>{1, 0, 0, 0, 0,  //
                                                                                                      0, 1, 0, 0, 0}));
  EXPECT_EQ(test::weights_of(*idinit({.once = true}), WeightShape::linear(1, 2)), (std::vector<float>{1, 1}));
}

// Output o of 2 reads the numbers o, o + 2, ... of its patch of 2 x 3 x 3, in the order of a file.
TEST(IdInit, OverPatchesUnitsReadTapsBesideTheCentre) {
  const std::vector<float> w = test::weights_of(*idinit({.tau = 3.0, .patch = true}), WeightShape::conv(3, 2, 2, 1));
  for (std::size_t k = 0; k < w.size(); ++k) EXPECT_EQ(w[k], k % 18 % 2 == k / 18 ? 3.0f : 0.0f) << k;
  const std::vector<float> first =
      test::weights_of(*idinit({.patch = true, .once = true}), WeightShape::conv(3, 2, 2, 1));
  for (std::size_t k = 0; k < first.size(); ++k) EXPECT_EQ(first[k], k == 0 || k == 19 ? 1.0f : 0.0f) << k;
  // Two groups, each for itself.
  const std::vector<float> grouped = test::weights_of(*idinit({.patch = true}), WeightShape::conv(1, 4, 4, 2));
  EXPECT_EQ(grouped, (std::vector<float>{1, 0, 0, 1, 1, 0, 0, 1}));
}

// A unit passes on differences: equal inputs give 0, and others do not.
TEST(IdInit, TheZeroPartPassesOnDifferences) {
  EXPECT_EQ(test::weights_of(*idinit({.zero = true}), WeightShape::linear(5, 2)),
            (std::vector<float>{1, 0, -1, 0, 0,  //
                                0, 1, 0, -1, 0}));
  EXPECT_EQ(test::weights_of(*idinit({.tau = 2.0, .zero = true}), WeightShape::linear(3, 4)),
            (std::vector<float>{2, -2, 0,  //
                                0, 2, -2,  //
                                -2, 0, 2,  //
                                2, -2, 0}));
  EXPECT_EQ(test::weights_of(*idinit({.zero = true}), WeightShape::linear(1, 3)), (std::vector<float>{1, -1, 1}));
  const IdinitOptions last{.tau = 1e-6, .patch = true, .zero = true};
  const std::vector<float> w = test::weights_of(*idinit(last), WeightShape::conv(3, 4, 8, 1));
  for (std::size_t o = 0; o < 8; ++o) {
    double sum = 0.0, size = 0.0;
    for (std::size_t k = 0; k < 36; ++k) {
      sum += static_cast<double>(w[o * 36 + k]);
      size += std::fabs(static_cast<double>(w[o * 36 + k]));
    }
    EXPECT_EQ(sum, 0.0) << o;
    EXPECT_NEAR(size, 2e-6, 1e-12) << o;
  }
}

// Zeros are more than the ones: their share is exact for any matrix.
TEST(IdInit, EveryFormKeepsItsVariance) {
  for (const WeightShape& shape :
       {WeightShape::conv(3, 8, 4, 1), WeightShape::conv(3, 4, 8, 2), WeightShape::linear(7, 3)})
    for (const IdinitOptions& o : {IdinitOptions{},
                                   {.patch = true},
                                   {.once = true},
                                   {.tau = 0.5, .zero = true},
                                   {.tau = 2.0, .patch = true, .once = true},
                                   {.patch = true, .zero = true}}) {
      const std::vector<float> w = test::weights_of(*idinit(o), shape);
      EXPECT_NEAR(*idinit(o)->variance(shape), test::sample_moments(w).variance, 1e-6) << to_string(shape);
      EXPECT_TRUE(idinit(o)->property(shape, w)->holds());
      EXPECT_FALSE(idinit(o)->property(shape, test::weights_of(*idinit({.tau = 5.0}), shape))->holds());
    }
}

}  // namespace
}  // namespace fanin
