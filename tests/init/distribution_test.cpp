// Moments of the distributions, against integrals computed here.
// SPDX-License-Identifier: MIT
#include "init/distribution.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace fanin {
namespace {

// Simpson's rule over the density, which is the slope of the distribution function.
std::array<double, 3> integrated(const Distribution& d, double low, double high) {
  const auto moment = [&](int power, double centre) {
    constexpr int n = 4000;
    double sum = 0.0;
    for (int i = 0; i < n; ++i) {
      const double x0 = low + (high - low) * i / n, x1 = low + (high - low) * (i + 1) / n;
      sum += (d.cdf(x1) - d.cdf(x0)) * std::pow(0.5 * (x0 + x1) - centre, power);
    }
    return sum;
  };
  const double mean = moment(1, 0.0), variance = moment(2, mean);
  return {mean, variance, moment(4, mean) / (variance * variance)};
}

// The midpoint rule over 4000 cells of width h is off by about h^2 / 24 times second derivatives of order 1 / std^2.
TEST(Distribution, MomentsMatchTheirIntegrals) {
  for (const Distribution& d :
       {Distribution::uniform(-1.0, 3.0), Distribution::truncated_normal(0.0, 1.0, -2.0, 2.0),
        Distribution::truncated_normal(1.0, 0.5, 0.0, 3.0), Distribution::truncated_normal(-1.0, 2.0, 0.0, 1.0)}) {
    const std::array<double, 3> expected = integrated(d, d.low, d.high);
    EXPECT_NEAR(d.mean(), expected[0], 1e-6);
    EXPECT_NEAR(d.variance(), expected[1], 1e-6);
    EXPECT_NEAR(d.kurtosis(), expected[2], 1e-5);
  }
  const Distribution normal = Distribution::normal(2.0, 3.0);
  const std::array<double, 3> expected = integrated(normal, -34.0, 38.0);
  EXPECT_NEAR(normal.mean(), expected[0], 1e-4);
  EXPECT_NEAR(normal.variance(), expected[1], 1e-3);
  EXPECT_NEAR(normal.kurtosis(), expected[2], 1e-3);
}

TEST(Distribution, TheKnownDeviationOfAStandardNormalCutAtTwo) {
  EXPECT_NEAR(std::sqrt(Distribution::truncated_normal(0.0, 1.0, -2.0, 2.0).variance()), 0.87962566103423978, 1e-15);
}

}  // namespace
}  // namespace fanin
