// Branches are found in every family that has some.
// SPDX-License-Identifier: MIT
#include "init/residual.h"

#include "init/catalog.h"
#include "tests/support/error_of.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

namespace fanin {
namespace {

using test::Specimen;

TEST(ResidualBranches, AreFoundInEveryFamily) {
  struct Case {
    const char* model;
    std::size_t branches, layers;
    const char *last, *norm;  // of the first branch
  };
  for (const Case& c : {Case{"wrn-16-1", 6, 2, "group0.block0.conv1.weight", nullptr},
                        Case{"wrn-16-2", 6, 2, "group0.block0.conv1.weight", nullptr},  // a shortcut that convolves
                        Case{"resnet-14", 6, 2, "layer1.0.conv2.weight", "layer1.0.bn2.weight"},
                        Case{"resnet-20:block=bottleneck", 6, 3, "layer1.0.conv3.weight", "layer1.0.bn3.weight"},
                        Case{"convmixer-3-8", 3, 1, "blocks.0.0.fn.0.weight", "blocks.0.0.fn.2.weight"},
                        Case{"preresnet-11", 3, 3, "layer1.0.conv3.weight", nullptr},
                        Case{"resnext-11-2x4d", 3, 3, "stage_1.stage_1_bottleneck_0.conv_expand.weight",
                             "stage_1.stage_1_bottleneck_0.bn_expand.weight"},
                        Case{"resnext-11-2x4d:form=B", 3, 5, "stage_1.stage_1_bottleneck_0.conv_expand.weight",
                             "stage_1.stage_1_bottleneck_0.bn_expand.weight"}}) {
    Specimen s(c.model, 2);
    const std::vector<ResidualBranch> branches = residual_branches(s.net());
    ASSERT_EQ(branches.size(), c.branches) << c.model;
    for (const ResidualBranch& b : branches) EXPECT_EQ(b.layers.size(), c.layers) << c.model << " " << b.sum;
    EXPECT_EQ(branches[0].layers.back().weight->name, c.last);
    EXPECT_EQ(branches[0].last_norm == nullptr ? "" : branches[0].last_norm->name, c.norm == nullptr ? "" : c.norm);
    EXPECT_EQ(branches[0].multiplier, nullptr);
  }
  Specimen scaled("resnet-8:residual=rezero", 2);
  EXPECT_EQ(residual_branches(scaled.net())[1].multiplier->name, "layer2.0.scale.weight");
}

TEST(ResidualBranches, PlainNetworksHaveNone) {
  Specimen s("plain-4-4", 2), dense("densenet-10-4", 2);
  EXPECT_TRUE(residual_branches(s.net()).empty());
  EXPECT_TRUE(residual_branches(dense.net()).empty());
  for (const char* scheme : {"zero_last", "zero_gamma", "skipinit", "rezero", "fixup"})
    EXPECT_EQ(
        test::error_of([&] { make_scheme(scheme)->apply(s.net(), s.batch(), 1); }),
        "scheme '" + std::string(scheme) +
            "' is for residual networks, and this one has no shortcut; use wrn-*, resnet-*, preresnet-* or resnext-*");
}

TEST(ResidualBranches, WhatTheyAddIsMeasured) {
  Specimen s("wrn-10-1");
  make_scheme("kaiming_normal;*.conv1.weight=zeros")->apply(s.net(), {}, 1);
  EXPECT_EQ(largest_addition(s.net(), residual_branches(s.net()), s.batch(), 1), 0.0);
  s.net().find_parameter("group1.block0.conv1.weight")->value[7] = 1.0f;
  EXPECT_GT(largest_addition(s.net(), residual_branches(s.net()), s.batch(), 1), 0.0);
}

}  // namespace
}  // namespace fanin
