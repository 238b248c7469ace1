// Values against the formula, and a balance that random draws have not.
// SPDX-License-Identifier: MIT
#include "init/sinusoidal.h"

#include "core/check.h"
#include "init/variance_scaling.h"
#include "tests/support/weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace fanin {
namespace {

// All values are amplitude times the formula, with one amplitude. 2^-24 for the rounding, and as much again for the
// double sine of an unreduced angle, which errs by less.
TEST(Sinusoidal, IsTheFormula) {
  constexpr int in = 12, out = 7;
  const std::vector<float> w = test::weights_of(*sinusoidal(), WeightShape::linear(in, out));
  const auto sine = [](int i, int j) {
    return std::sin(2.0 * std::numbers::pi * (static_cast<double>(i) * j / in + static_cast<double>(i) / out));
  };
  const double amplitude = static_cast<double>(w[0]) / sine(1, 0);
  EXPECT_GT(amplitude, 0.0);
  for (int i = 1; i <= out; ++i)
    for (int j = 0; j < in; ++j)
      EXPECT_NEAR(static_cast<double>(w[static_cast<std::size_t>((i - 1) * in + j)]), amplitude * sine(i, j),
                  2 * amplitude * 0x1p-23);
}

// The unbiased variance is 2 / (n + m), with the taps in n alone; as float sums of 216 rounded numbers tell it.
TEST(Sinusoidal, TheVarianceIsThatOfTheAuthorsCode) {
  const std::vector<float> w = test::weights_of(*sinusoidal(), WeightShape::conv(3, 8, 6, 2));
  double mean = 0.0, squares = 0.0;
  for (const float v : w) mean += static_cast<double>(v) / 216;
  for (const float v : w) squares += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean);
  ASSERT_EQ(w.size(), 216u);
  EXPECT_NEAR(squares / 215, 2.0 / (4 * 9 + 6), 2.0 / 42 * 0x1p-22);
}

// A share of 1/2 of each unit's weights is positive, to within the zeros; of Gaussian weights it scatters by 1 / sqrt(n).
TEST(Sinusoidal, UnitsAreBalanced) {
  constexpr std::size_t in = 101, out = 64;
  const auto furthest = [&](const Initializer& initializer) {
    const std::vector<float> w = test::weights_of(initializer, WeightShape::linear(in, out));
    double result = 0.0;
    for (std::size_t row = 0; row < out; ++row) {
      double sum = 0.0, size = 0.0;
      for (std::size_t j = 0; j < in; ++j) {
        sum += static_cast<double>(w[row * in + j]);
        size += std::fabs(static_cast<double>(w[row * in + j]));
      }
      result = std::max(result, std::fabs(sum) / size);
    }
    return result;
  };
  EXPECT_LT(furthest(*sinusoidal()), 1e-5);
  EXPECT_GT(furthest(*variance_scaling({.fan = FanMode::average})), 0.1);
}

TEST(Sinusoidal, TooFewWeightsAreRefused) {
  EXPECT_THROW(test::weights_of(*sinusoidal(), WeightShape::linear(1, 1)), Error);
}

}  // namespace
}  // namespace fanin
