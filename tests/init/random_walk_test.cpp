// The gains of the paper, and the drift that they take away.
// SPDX-License-Identifier: MIT
#include "init/random_walk.h"

#include "core/rng.h"
#include "tests/support/weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace fanin {
namespace {

TEST(RandomWalk, GainsOfThePaper) {
  EXPECT_NEAR(random_walk_gain(50, WalkThrough::relu), 1.4503, 5e-5);
  EXPECT_NEAR(random_walk_gain(100, WalkThrough::relu), 1.4317, 5e-5);
  EXPECT_NEAR(random_walk_gain(512, WalkThrough::relu), 1.4175, 5e-5);
  EXPECT_DOUBLE_EQ(random_walk_gain(2, WalkThrough::relu), random_walk_gain(6, WalkThrough::relu));
  EXPECT_NEAR(random_walk_gain(20, WalkThrough::linear), 1.0253151, 1e-7);  // exp(1 / 40)
  EXPECT_DOUBLE_EQ(*random_walk(WalkThrough::linear)->variance(WeightShape::linear(20, 20)), std::exp(1.0 / 20) / 20);
}

// A Gaussian matrix multiplies a norm's logarithm by a step of mean psi(N / 2) / 2 + log(g sqrt(2 / N)), which is
// -1 / (2 N) + log g up to 1 / (6 N^2), and of deviation close to sqrt(1 / (2 N)).
TEST(RandomWalk, TheLogOfANormHasNoDrift) {
  constexpr int width = 20, layers = 4000;
  std::vector<double> x(width, 1.0);
  double log_norm = 0.0;
  for (std::uint64_t layer = 0; layer < layers; ++layer) {
    const std::vector<float> w =
        test::weights_of(*random_walk(WalkThrough::linear), WeightShape::linear(width, width), layer);
    std::vector<double> y(width, 0.0);
    double before = 0.0, after = 0.0;
    for (std::size_t o = 0; o < width; ++o) {
      for (std::size_t i = 0; i < width; ++i) y[o] += static_cast<double>(w[o * width + i]) * x[i];
      before += x[o] * x[o];
      after += y[o] * y[o];
    }
    log_norm += 0.5 * std::log(after / before);
    for (double& v : y) v /= std::sqrt(after);
    x = y;
  }
  const double error = 5.0 * std::sqrt(0.5 / width / layers) + 1.0 / (6.0 * width * width);
  EXPECT_NEAR(log_norm / layers, 0.0, error);
  EXPECT_LT(error, 0.5 / width) << "else the drift without the gain would pass";
}

}  // namespace
}  // namespace fanin
