// Channels at mean 0 and variance 1; layers that learn at one rate; and the same function as before the balancing.
// SPDX-License-Identifier: MIT
#include "init/kraehenbuehl.h"

#include "init/catalog.h"
#include "init/layer_pass.h"
#include "tests/support/error_of.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

using test::Specimen;

TEST(Kraehenbuehl, EveryChannelHasMeanZeroAndVarianceOne) {
  for (const char* model : {"plain-6-8", "mlp-4-20:act=tanh", "wrn-10-1"}) {
    Specimen s(model);
    make_scheme("kraehenbuehl:between=no")->apply(s.net(), s.batch(), 1);
    const std::vector<WeightLayer> layers = weight_layers(s.net());
    WatchedPasses passes(s.net(), 1, [&](std::string_view node, ConstView v) {
      for (const WeightLayer& layer : layers)
        for (int c = 0; layer.node == node && c < v.shape.channels; ++c) {
          const OutputMoments m = output_moments(v.channels(c, 1));
          // Outputs are sums of at most 300 products, each rounded to 2^-24 of a few deviations.
          EXPECT_NEAR(m.variance, 1.0, 1e-4) << model << " " << node << " " << c;
          if (layer.bias != nullptr) {
            EXPECT_NEAR(m.mean, 0.0, 1e-4) << model << " " << node << " " << c;
          }
        }
    });
    passes.forward(s.batch());
  }
}

// The product of the layers' factors is 1, and a ReLU passes a factor on: the logits stay, up to rounding.
TEST(Kraehenbuehl, BalancingKeepsTheFunctionOfAReluNetwork) {
  Specimen within("plain-8-8"), between("plain-8-8");
  make_scheme("kraehenbuehl:between=no")->apply(within.net(), within.batch(), 1);
  make_scheme("kraehenbuehl")->apply(between.net(), between.batch(), 1);
  EXPECT_NE(within.weights(), between.weights());
  const ConstView a = within.net().forward(within.batch().images, Mode::evaluate);
  const ConstView b = between.net().forward(between.batch().images, Mode::evaluate);
  for (std::size_t i = 0; i < a.shape.size(); ++i) EXPECT_NEAR(a.data[i], b.data[i], 8 * 300 * 0x1p-24 * 4) << i;
}

// From the outside: the relative gradient of a random function, another one than the balancing saw, over 64 images. The
// mean of as many squares as a layer has weights scatters; a factor of 2 is far below the spread of the start.
TEST(Kraehenbuehl, LayersLearnAtOneRate) {
  const auto spread = [](const char* scheme) {
    Specimen s("plain-10-8", 64);
    make_scheme(scheme)->apply(s.net(), s.batch(), 1);
    const ConstView y = s.net().forward(s.batch().images, Mode::train);
    Tensor gradient(y.shape);
    const Rng rng = Rng::stream(7, "another function");
    for (std::size_t i = 0; i < y.shape.size(); ++i) gradient.view().data[i] = static_cast<float>(rng.normal(i));
    s.net().backward(gradient.view());
    double least = 1e300, most = 0.0;
    for (const WeightLayer& layer : weight_layers(s.net())) {
      double g = 0.0, w = 0.0;
      for (const float v : layer.weight->grad) g += static_cast<double>(v) * static_cast<double>(v);
      for (const float v : layer.weight->value) w += static_cast<double>(v) * static_cast<double>(v);
      const double rate = std::sqrt(g / static_cast<double>(layer.weight->grad.size()) / w);
      least = std::min(least, rate);
      most = std::max(most, rate);
    }
    return most / least;
  };
  EXPECT_LT(spread("kraehenbuehl"), 2.0);
  EXPECT_GT(spread("kraehenbuehl:between=no"), 2.0);
}

TEST(Kraehenbuehl, WhatItCannotDoIsNamed) {
  const auto error = [](const char* model, const char* scheme) {
    Specimen s(model);
    return test::error_of([&] { make_scheme(scheme)->apply(s.net(), s.batch(), 1); });
  };
  EXPECT_EQ(
      error("wrn-10-1", "kraehenbuehl"),
      "scheme 'kraehenbuehl' balances layers of chains without norm, and here is group0.block0.bn0; write between=no");
  EXPECT_EQ(error("resnet-8:norm=none", "kraehenbuehl"),
            "scheme 'kraehenbuehl' balances layers of chains without norm, and here is layer1.0.sum; write between=no");
  EXPECT_EQ(error("plain-4-4", "kraehenbuehl:base=zeros"),
            "conv0: kraehenbuehl cannot scale channel 0, of variance 0, to 1; use another base or more images");
}

}  // namespace
}  // namespace fanin
