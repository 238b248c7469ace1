// Growth with depth as predicted, and the scale in the place where it counts.
// SPDX-License-Identifier: MIT
#include "init/stable_resnet.h"

#include "init/catalog.h"
#include "init/layer_pass.h"
#include "layers/conv.h"
#include "layers/linear.h"
#include "layers/pool.h"
#include "layers/relu.h"
#include "tests/support/error_of.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

using test::Specimen;

constexpr int kBlocks = 16, kWidth = 128;

// E x^2 behind L blocks x + W2 relu(W1 relu(x)) of 1x1 convolutions, over E x^2 before them.
double growth(const char* scheme, std::uint64_t seed) {
  Network net({1, 4, 4, 3});
  Node x = conv(net, "stem", net.input(), {.out_channels = kWidth, .kernel = 1});
  for (int b = 0; b < kBlocks; ++b) {
    const Network::Scope scope = net.scope("block" + std::to_string(b));
    const Node y = conv(net, "conv0", relu(net, "act0", x), {.out_channels = kWidth, .kernel = 1});
    x = net.sum("sum", conv(net, "conv1", relu(net, "act1", y), {.out_channels = kWidth, .kernel = 1}), x);
  }
  const Node logits = linear(net, "fc", global_average_pool(net, "pool", x), {.out = 10});
  net.prepare(logits, 4);
  Tensor images({4, 4, 4, 3});
  for (std::size_t i = 0; i < images.shape().size(); ++i)
    images.view().data[i] = static_cast<float>(Rng::stream(seed, "images").normal(i));
  make_scheme(scheme)->apply(net, {}, seed);
  double before = 0.0, after = 0.0;
  WatchedPasses passes(net, 1, [&](std::string_view node, ConstView v) {
    const bool first = node == "stem", last = node == "block" + std::to_string(kBlocks - 1) + ".sum";
    if (!first && !last) return;
    for (std::size_t p = 0; p < v.shape.pixels(); ++p)
      for (int c = 0; c < v.shape.channels; ++c)
        (first ? before : after) += static_cast<double>(v.pixel(p)[c]) * static_cast<double>(v.pixel(p)[c]);
  });
  passes.forward({images.view(), {}});
  return after / before;
}

// With He's variance relu halves a second moment and a layer doubles it, so that F adds E x^2 / L: the expectation over
// weights is (1 + 1 / L)^L, but for terms of 1 / width. Five standard errors of the mean over seeds.
TEST(StableResnet, TheOutputStaysOfOrderOneAsPredicted) {
  constexpr int seeds = 32;
  double mean = 0.0, square = 0.0;
  for (int s = 0; s < seeds; ++s) {
    const double g = growth("stable_resnet", static_cast<std::uint64_t>(s));
    mean += g / seeds;
    square += g * g / seeds;
  }
  const double expected = std::pow(1.0 + 1.0 / kBlocks, kBlocks),
               error = std::sqrt((square - mean * mean) / (seeds - 1));
  EXPECT_LT(error, 0.05 * expected) << "or the test says little";
  EXPECT_NEAR(mean, expected, 5 * error + expected / kWidth);
  EXPECT_GT(growth("kaiming_normal", 0), 0.1 * std::pow(2.0, kBlocks))
      << "without it the moment doubles with each block";
}

void expect_times(Specimen& s, Specimen& base, const std::string& name, double factor) {
  const Parameter &scaled = *s.net().find_parameter(name), &plain = *base.net().find_parameter(name);
  for (std::size_t k = 0; k < plain.value.size(); ++k)
    EXPECT_EQ(scaled.value[k], static_cast<float>(factor * static_cast<double>(plain.value[k]))) << name << " " << k;
}

TEST(StableResnet, ScalesTheLastLayerOrTheNormBehindIt) {
  const auto compare = [](const char* model, const std::vector<std::string>& scaled,
                          const std::vector<std::string>& kept, double branches) {
    Specimen s(model, 2), base(model, 2);
    make_scheme("stable_resnet:base=torch_default;norm_shift?=normal")->apply(s.net(), {}, 1);
    make_scheme("torch_default;norm_shift?=normal")->apply(base.net(), {}, 1);
    for (const std::string& name : scaled) expect_times(s, base, name, 1.0 / std::sqrt(branches));
    for (const std::string& name : kept) expect_times(s, base, name, 1.0);
  };
  compare("wrn-16-1", {"group0.block0.conv1.weight", "group2.block1.conv1.weight"},
          {"group0.block0.conv0.weight", "group1.block0.convdim.weight", "group0.block0.bn1.weight", "fc.weight"}, 6);
  compare("resnet-14", {"layer1.0.bn2.weight", "layer1.0.bn2.bias"}, {"layer1.0.conv2.weight", "layer1.0.bn1.weight"},
          6);
  compare("convmixer-3-8", {"blocks.1.0.fn.2.weight"}, {"blocks.1.0.fn.0.weight", "blocks.1.3.weight"}, 3);
  compare("wrn-16-1:residual=skipinit", {"group0.block0.conv1.weight", "group0.block0.conv1.bias"},
          {"group0.block0.scale.weight"}, 6);
}

TEST(StableResnet, NeedsBranchesThatEndInWeights) {
  const auto error = [](const char* model) {
    Specimen s(model, 2);
    return test::error_of([&] { make_scheme("stable_resnet")->apply(s.net(), {}, 1); });
  };
  EXPECT_EQ(error("convmixer-2-8:norm=none"),
            "scheme 'stable_resnet' scales the weights that end a residual branch, and blocks.0.0.fn.1 ends in 'gelu', "
            "which has none; use a network whose branches end in a convolution or a norm");
  EXPECT_NE(error("plain-4-4").find("is for residual networks"), std::string::npos);
}

}  // namespace
}  // namespace fanin
