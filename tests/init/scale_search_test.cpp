// The search on an objective whose minimum is known, and that it leaves weights as it should.
// SPDX-License-Identifier: MIT
#include "init/scale_search.h"

#include "init/catalog.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

using test::Specimen;

double log_size(const Parameter& p) {
  double square = 0.0;
  for (const float v : p.value) square += static_cast<double>(v) * static_cast<double>(v);
  return 0.5 * std::log(square);
}

// 1 + the sum over layers of (log |W_k| - k)^2 is least at |W_k| = e^k. A step of 0.05 more gains more than a thousandth
// of it as long as a layer is further off than 0.05.
TEST(ScaleSearch, FindsTheScalesOfLeastObjective) {
  Specimen s("plain-5-4");
  make_scheme("kaiming_normal")->apply(s.net(), {}, 1);
  const std::vector<WeightLayer> layers = weight_layers(s.net());
  const Objective objective = [&] {
    double sum = 1.0;
    for (std::size_t k = 0; k < layers.size(); ++k)
      sum += std::pow(log_size(*layers[k].weight) - static_cast<double>(k), 2);
    return sum;
  };
  EXPECT_GT(possible_gain(layers, objective), 0.01);
  search_scales(layers, objective, 100);
  for (std::size_t k = 0; k < layers.size(); ++k)
    EXPECT_NEAR(log_size(*layers[k].weight), static_cast<double>(k), kLastStep);
  EXPECT_LE(possible_gain(layers, objective), 2 * kLeastGain);
}

TEST(ScaleSearch, WithoutAGainTheWeightsStayBitForBit) {
  Specimen s("plain-5-4");
  make_scheme("kaiming_normal")->apply(s.net(), {}, 1);
  const std::vector<float> before = s.weights();
  search_scales(
      weight_layers(s.net()), [] { return 1.0; }, 10);
  possible_gain(weight_layers(s.net()), [] { return 1.0; });
  EXPECT_EQ(s.weights(), before);
}

}  // namespace
}  // namespace fanin
