// The tools of steps: layers in order, passes without a trace, moments.
// SPDX-License-Identifier: MIT
#include "init/layer_pass.h"

#include "init/catalog.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

namespace fanin {
namespace {

TEST(LayerPass, LayersComeInOrderWithWhatTheyOwn) {
  test::Specimen s("plain-5-4");
  const std::vector<WeightLayer> layers = weight_layers(s.net());
  ASSERT_EQ(layers.size(), 5u);
  EXPECT_EQ(layers[1].node, "conv1");
  EXPECT_EQ(layers[1].weight->name, "conv1.weight");
  EXPECT_EQ(layers[1].bias->name, "conv1.bias");
  EXPECT_EQ(layers[4].node, "fc");
  test::Specimen normed("wrn-10-1");
  EXPECT_EQ(weight_layers(normed.net())[0].bias, nullptr);
}

TEST(LayerPass, PassesLeaveRunningStatisticsAlone) {
  test::Specimen s("wrn-10-1");
  make_scheme("kaiming_normal")->apply(s.net(), {}, 1);
  const std::vector<float> before = s.net().buffers()[0]->value;
  int seen = 0;
  {
    WatchedPasses passes(s.net(), 1, [&](std::string_view, ConstView) { ++seen; });
    passes.forward(s.batch());
    EXPECT_NE(s.net().buffers()[0]->value, before) << "batch statistics were used";
  }
  EXPECT_EQ(s.net().buffers()[0]->value, before);
  EXPECT_EQ(static_cast<std::size_t>(seen), s.net().summary().size());
  s.net().forward(s.batch().images, Mode::train);
  EXPECT_EQ(static_cast<std::size_t>(seen), s.net().summary().size()) << "nobody watches any more";
}

TEST(LayerPass, MomentsOfAViewAndOfAChannel) {
  Tensor t({2, 1, 2, 2});
  for (int i = 0; i < 8; ++i) t.view().data[i] = static_cast<float>(i);  // channel 0: 0 2 4 6
  const OutputMoments all = output_moments(t.view()), first = output_moments(ConstView(t.view()).channels(0, 1));
  EXPECT_DOUBLE_EQ(all.mean, 3.5);
  EXPECT_DOUBLE_EQ(all.variance, 5.25);
  EXPECT_DOUBLE_EQ(first.mean, 3.0);
  EXPECT_DOUBLE_EQ(first.variance, 5.0);
}

}  // namespace
}  // namespace fanin
