// What a network is at birth, over seeds.
// SPDX-License-Identifier: MIT
#include "apps/study/birth.h"

#include "apps/study/probe.h"
#include "core/tensor/parallel.h"
#include "init/catalog.h"
#include "layers/linear.h"
#include "layers/relu.h"
#include "tests/support/error_of.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

RunConfig small(const std::string& model, const std::string& scheme = "kaiming_normal") {
  RunConfig config;
  config.model = model;
  config.scheme = scheme;
  config.data = "synthetic:train=64,test=16";
  config.batch = 16;
  config.augment = "none";
  return config;
}

TEST(OverSeeds, MeanAndItsError) {
  const OverSeeds one{{3.0}}, four{{1.0, 2.0, 3.0, 4.0}};
  EXPECT_EQ(one.mean(), 3.0);
  EXPECT_EQ(one.std(), 0.0);
  EXPECT_EQ(four.mean(), 2.5);
  EXPECT_DOUBLE_EQ(four.std(), std::sqrt(5.0 / 3.0));
  EXPECT_DOUBLE_EQ(four.standard_error(), std::sqrt(5.0 / 12.0));
  EXPECT_TRUE(std::isnan(OverSeeds{}.mean()));
}

TEST(Birth, TheImagesStayAndTheWeightsChange) {
  const auto session = open_session(small("plain-4-4:act=tanh"));
  int calls = 0;
  const Birth b = birth(*session, 3, first_batch(*session), [&] { ++calls; });
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(b.seeds, (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(b.images, 16);
  EXPECT_EQ(b.nodes.front().std.std(), 0.0) << "the input is the same for every seed";
  EXPECT_GT(b.nodes.back().std.std(), 0.0);
  for (const NodeBirth& n : b.nodes) {
    ASSERT_EQ(n.square.values.size(), 3u) << n.node;
    for (std::size_t s = 0; s < 3; ++s)  // E x^2 = mean^2 + variance
      EXPECT_NEAR(n.square.values[s], n.mean.values[s] * n.mean.values[s] + n.std.values[s] * n.std.values[s],
                  1e-12 * n.square.values[s])
          << n.node;
    EXPECT_GE(n.saturated.mean(), 0.0);
  }
  for (const WeightBirth& w : b.weights) EXPECT_GT(w.ratio.mean(), 0.0) << w.parameter;
}

TEST(Birth, OneSeedIsWhatTheProbeOfComparisonsSees) {
  const auto session = open_session(small("wrn-10-1"));
  const Birth b = birth(*session, 2, first_batch(*session));
  const SignalProfile p = probe(*open_session(small("wrn-10-1")));
  EXPECT_EQ(b.loss.values[0], p.loss);
  ASSERT_EQ(b.nodes.size(), p.nodes.size());
  for (std::size_t i = 0; i < p.nodes.size(); ++i) {  // both in double: they differ in the order of sums
    EXPECT_NEAR(b.nodes[i].std.values[0], p.nodes[i].value_std, 1e-9 * p.nodes[i].value_std) << p.nodes[i].node;
    EXPECT_EQ(b.nodes[i].zeros.values[0], p.nodes[i].zeros) << p.nodes[i].node;
  }
}

TEST(Birth, SameBitsForAnyThreads) {
  const auto numbers = [](int threads) {
    RunConfig config = small("densenet-bc-10-4");
    config.threads = threads;
    const auto session = open_session(config);
    const Birth b = birth(*session, 2, first_batch(*session));
    std::vector<double> all = b.loss.values;
    for (const NodeBirth& n : b.nodes)
      for (const OverSeeds* o : {&n.mean, &n.std, &n.correlation, &n.gradient_std})
        for (const double v : o->values)
          if (!std::isnan(v)) all.push_back(v);
    return all;
  };
  const int before = thread_count();
  EXPECT_EQ(numbers(1), numbers(3));
  set_thread_count(before);
}

TEST(Birth, AllZeroWeightsKillEverything) {
  const auto session = open_session(small("plain-4-4", "zeros"));
  const Birth b = birth(*session, 1, first_batch(*session));
  EXPECT_DOUBLE_EQ(b.loss.mean(), std::log(10.0));
  for (const NodeBirth& n : b.nodes) EXPECT_EQ(n.layer == "relu" ? n.dead.mean() : 1.0, 1.0) << n.node;
  for (const WeightBirth& w : b.weights) EXPECT_FALSE(std::isfinite(w.ratio.mean())) << "0 / 0";
  EXPECT_NE(test::error_of([&] { birth(*session, 0, first_batch(*session)); }).find("at least 1"), std::string::npos);
}

// Inputs that are orthogonal see independent pre-activations, so a unit is dead on N of them with probability 2^-N.
TEST(Birth, DeadUnitsHalveWithEveryImage) {
  constexpr int kUnits = 20000;
  for (const int images : {1, 3, 5}) {
    Network net({0, 1, 1, images});
    const Node y = relu(net, "relu", linear(net, "fc", net.input(), {.out = kUnits, .bias = false}));
    net.prepare(y, images);
    make_scheme("kaiming_normal")->apply(net, {}, 1);
    Tensor x({images, 1, 1, images});
    for (int n = 0; n < images; ++n) x.view().pixel(static_cast<std::size_t>(n))[n] = 1.0f;
    const double expected = std::ldexp(1.0, -images);
    const double dead = statistics_of(net.forward(std::as_const(x).view(), Mode::train), {}).dead;
    EXPECT_NEAR(dead, expected, 5.0 * std::sqrt(expected * (1.0 - expected) / kUnits)) << images;
  }
}

}  // namespace
}  // namespace fanin
