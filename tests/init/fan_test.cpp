// The one function that counts fans, against the table of how PyTorch counts and what is true.
// SPDX-License-Identifier: MIT
#include "init/fan.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

TEST(Fan, CountsWithAndWithoutGroups) {
  const auto expect = [](const WeightShape& w, double in, double out, double torch_out) {
    EXPECT_EQ(fan(w).in, in) << to_string(w);
    EXPECT_EQ(fan(w).out, out) << to_string(w);
    EXPECT_EQ(fan(w, FanCount::torch).in, in) << to_string(w);
    EXPECT_EQ(fan(w, FanCount::torch).out, torch_out) << to_string(w);
  };
  expect(WeightShape::linear(300, 10), 300, 10, 10);
  expect(WeightShape::conv(3, 3, 64, 1), 27, 576, 576);
  expect(WeightShape::conv(1, 256, 128, 1), 256, 128, 128);
  expect(WeightShape::conv(3, 4, 4, 4), 9, 9, 36);            // depthwise
  expect(WeightShape::conv(3, 512, 512, 8), 576, 576, 4608);  // ResNeXt-29 8x64d, stage 1
}

TEST(Fan, GroupsIgnoredAndBiases) {
  const WeightShape grouped = WeightShape::conv(3, 512, 256, 8);
  EXPECT_EQ(fan(grouped, FanCount::ignored).in, 4608);
  EXPECT_EQ(fan(grouped, FanCount::ignored).out, 2304);
  EXPECT_EQ(fan(WeightShape::bias(grouped)).in, 576);
  EXPECT_EQ(fan(WeightShape::vector(7)).in, 1);
}

TEST(Fan, Modes) {
  const Fan f{4, 9};
  EXPECT_EQ(fan_by_mode(f, FanMode::in), 4);
  EXPECT_EQ(fan_by_mode(f, FanMode::out), 9);
  EXPECT_EQ(fan_by_mode(f, FanMode::average), 6.5);
  EXPECT_EQ(fan_by_mode(f, FanMode::geometric_mean), 6);
  EXPECT_STREQ(to_string(FanMode::average), "fan_avg");
}

}  // namespace
}  // namespace fanin
