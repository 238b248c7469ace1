// Blocks that start as their shortcut, exactly.
// SPDX-License-Identifier: MIT
#include "init/zero_last.h"

#include "init/catalog.h"
#include "init/layer_pass.h"
#include "tests/support/error_of.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <map>

namespace fanin {
namespace {

using test::Specimen;

std::map<std::string, std::vector<float>> outputs(Specimen& s) {
  std::map<std::string, std::vector<float>> found;
  WatchedPasses passes(s.net(), 1, [&](std::string_view node, ConstView v) {
    std::vector<float>& values = found[std::string(node)];
    for (std::size_t p = 0; p < v.shape.pixels(); ++p)
      values.insert(values.end(), v.pixel(p), v.pixel(p) + v.shape.channels);
  });
  passes.forward(s.batch());
  return found;
}

// In a ResNet the block's input comes from a ReLU, so that the ReLU behind the sum passes it on as it is.
TEST(ZeroGamma, ABlockIsItsShortcutExactly) {
  Specimen s("resnet-14");
  make_scheme("zero_gamma")->apply(s.net(), s.batch(), 1);
  const auto found = outputs(s);
  EXPECT_EQ(found.at("layer1.0.act"), found.at("act1"));
  EXPECT_EQ(found.at("layer1.1.act"), found.at("act1"));
  EXPECT_EQ(found.at("layer3.1.act"), found.at("layer3.0.act"));
  Specimen ones("resnet-14");
  make_scheme("gamma-one")->apply(ones.net(), ones.batch(), 1);
  EXPECT_NE(outputs(ones).at("layer1.0.act"), outputs(ones).at("act1"));
}

TEST(ZeroLast, ABlockIsItsShortcutExactlyWithoutNorm) {
  Specimen s("wrn-16-1:norm=none");
  make_scheme("zero_last:base=zero_hadamard")->apply(s.net(), s.batch(), 1);
  const auto found = outputs(s);
  EXPECT_EQ(found.at("group0.block1.sum"), found.at("conv0"));
  EXPECT_EQ(s.net().find_parameter("group1.block0.conv0.weight")->value.size(), 9u * 16 * 32);
}

TEST(ZeroGamma, NeedsANormAtTheEnd) {
  Specimen s("wrn-10-1");
  EXPECT_EQ(test::error_of([&] { make_scheme("zero_gamma")->apply(s.net(), s.batch(), 1); }),
            "scheme 'zero_gamma' needs a norm at the end of each residual branch, and group0.block0.sum has none; use "
            "resnet-* or resnext-* with norm, or scheme zero_last");
}

}  // namespace
}  // namespace fanin
