// SPDX-License-Identifier: MIT
#include "init/gain.h"

#include "core/check.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

TEST(Gain, TheTableOfTorch) {
  EXPECT_EQ(gain("linear", 0), 1.0);
  EXPECT_EQ(gain("sigmoid", 0), 1.0);
  EXPECT_DOUBLE_EQ(gain("tanh", 0), 5.0 / 3.0);
  EXPECT_DOUBLE_EQ(gain("relu", 0), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(gain("leaky_relu", 0.01), 1.4141428569978354);
  EXPECT_DOUBLE_EQ(gain("leaky_relu", 10.0), 0.14071950894605836);
  EXPECT_EQ(gain("selu", 0), 0.75);
  EXPECT_THROW(gain("gelu", 0), Error);
  for (const std::string& name : gain_names()) EXPECT_GT(gain(name, 0.0), 0.0);
}

}  // namespace
}  // namespace fanin
