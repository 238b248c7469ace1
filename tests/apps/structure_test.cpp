// Symmetry and rank of weights and gradients.
// SPDX-License-Identifier: MIT
#include "apps/study/structure.h"
#include "apps/study/birth.h"
#include "core/rng.h"

#include <gtest/gtest.h>

#include <vector>

namespace fanin {
namespace {

TEST(Structure, CountsRankAndTwins) {
  const WeightShape shape = WeightShape::linear(5, 4);  // in x out
  std::vector<float> w(20);
  const auto structure = [&] { return structure_of(shape, w); };
  EXPECT_EQ(structure().rank, 0);
  EXPECT_EQ(structure().twins, 1.0) << "four dead units are the same unit";
  const Rng rng = Rng::stream(1, "w");
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(rng.normal(i));
  EXPECT_EQ(structure().full_rank, 4);
  EXPECT_EQ(structure().rank, 4);
  EXPECT_EQ(structure().twins, 0.0);
  for (std::size_t i = 0; i < 5; ++i) w[i * 4 + 3] = w[i * 4 + 1];  // unit 3 is unit 1
  EXPECT_EQ(structure().rank, 3);
  EXPECT_EQ(structure().twins, 0.5);
  for (std::size_t i = 0; i < 5; ++i) w[i * 4 + 3] = -w[i * 4 + 1];  // dependent, but not the same
  EXPECT_EQ(structure().rank, 3);
  EXPECT_EQ(structure().twins, 0.0);
  w[7] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(structure().rank);
}

TEST(Structure, GroupsStandForThemselves) {
  const WeightShape shape = WeightShape::conv(1, 4, 4, 2);  // two groups of 2 x 2, O = 4
  // Rows are inputs of a group, columns outputs: group 0 has twins (1, 2), group 1 the identity.
  const std::vector<float> w = {1, 1, 1, 0, 2, 2, 0, 1};
  const MatrixStructure s = structure_of(shape, w);
  EXPECT_EQ(s.full_rank, 4);
  EXPECT_EQ(s.rank, 3);
  EXPECT_EQ(s.twins, 0.5);
}

Birth born(const std::string& scheme) {
  RunConfig config;
  config.model = "mlp-2-12";
  config.scheme = scheme;
  config.data = "synthetic:train=32,test=16";
  config.batch = 4;
  config.augment = "none";
  const auto session = open_session(config);
  return birth(*session, 1, first_batch(*session));
}

// A gradient is a sum of one outer product an image; and softmax's gradients over classes add up to 0.
TEST(Structure, AGradientHasNoMoreRankThanTheBatchHasImages) {
  const Birth b = born("kaiming_normal");
  for (const WeightBirth& w : b.weights) {
    EXPECT_EQ(w.weight.rank, w.weight.full_rank) << w.parameter;
    ASSERT_TRUE(w.gradient.rank) << w.parameter;
    EXPECT_LE(*w.gradient.rank, 4) << w.parameter;
    EXPECT_GE(*w.gradient.rank, 2) << w.parameter;
    EXPECT_EQ(w.weight.twins, 0.0) << w.parameter;
  }
}

TEST(Structure, EqualWeightsHaveEqualGradients) {
  const Birth b = born("constant:value=0.01");
  for (const WeightBirth& w : b.weights) {
    EXPECT_EQ(w.weight.rank, 1) << w.parameter;
    EXPECT_EQ(w.weight.twins, 1.0) << w.parameter;
  }
  // Units of hidden layers: gradients are the same too, so no step of training tells them apart. Classes differ by
  // their labels.
  EXPECT_EQ(b.weights[0].gradient.twins, 1.0);
  EXPECT_EQ(b.weights[1].gradient.twins, 1.0);
  EXPECT_LT(b.weights[2].gradient.twins, 1.0);
}

}  // namespace
}  // namespace fanin
