// The covariance of many filters against the stated one, which is positive semi-definite and widens with depth.
// SPDX-License-Identifier: MIT
#include "init/covariance.h"

#include "tests/support/error_of.h"
#include "tests/support/weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fanin {
namespace {

std::size_t z(int i) { return static_cast<std::size_t>(i); }

// The smallest eigenvalue of a symmetric matrix, by cyclic Jacobi rotations.
double smallest_eigenvalue(std::vector<double> a, int n) {
  for (int sweep = 0; sweep < 30; ++sweep)
    for (int p = 0; p < n; ++p)
      for (int q = p + 1; q < n; ++q) {
        const double angle = 0.5 * std::atan2(2.0 * a[z(p * n + q)], a[z(q * n + q)] - a[z(p * n + p)]);
        const double c = std::cos(angle), s = std::sin(angle);
        for (int k = 0; k < n; ++k) {
          const double x = a[z(k * n + p)], y = a[z(k * n + q)];
          a[z(k * n + p)] = c * x - s * y;
          a[z(k * n + q)] = s * x + c * y;
        }
        for (int k = 0; k < n; ++k) {
          const double x = a[z(p * n + k)], y = a[z(q * n + k)];
          a[z(p * n + k)] = c * x - s * y;
          a[z(q * n + k)] = s * x + c * y;
        }
      }
  double least = a[0];
  for (int i = 1; i < n; ++i) least = std::min(least, a[z(i * n + i)]);
  return least;
}

// A row of three taps, with u the value beside the centre: written out.
TEST(TapCovariance, IsTheFormula) {
  const double s = 0.8, u = std::exp(-1.0 / (2 * s * s)), u4 = std::exp(-4.0 / (2 * s * s));
  const double end = u * (1 - u * u / 2), beside = std::sqrt(u) * u / 2, across = u * (u4 - u * u / 2);
  const double expected[] = {end, beside, across, beside, 0.5, beside, across, beside, end};
  const std::vector<double> c = tap_covariance(1, 3, s);
  const double scale = 3.0 / (0.5 + 2 * end);
  ASSERT_EQ(c.size(), 9u);
  for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(c[i], scale * expected[i], 1e-14) << i;
  EXPECT_LT(c[2], 0.0) << "taps on opposite sides lean against each other";
}

// Its eigenvalues sum to the number of taps; each is right to rounding times that.
TEST(TapCovariance, IsPositiveSemiDefinite) {
  for (const auto& [rows, columns] : {std::pair{3, 3}, {5, 5}, {7, 7}, {9, 9}, {4, 4}, {1, 7}})
    for (const double s : {0.1, 0.5, 1.0, 2.0, 3.6, 10.0}) {
      const int taps = rows * columns;
      const std::vector<double> c = tap_covariance(rows, columns, s);
      double trace = 0.0;
      for (int p = 0; p < taps; ++p) {
        trace += c[z(p * taps + p)];
        for (int q = 0; q < taps; ++q) EXPECT_EQ(c[z(p * taps + q)], c[z(q * taps + p)]);
      }
      EXPECT_NEAR(trace, taps, 1e-12 * taps);
      EXPECT_GE(smallest_eigenvalue(c, taps), -100 * 0x1p-53 * taps) << rows << "x" << columns << ", s = " << s;
    }
}

// Of N filters, the mean of w(p) w(q) has the variance (C(p, p) C(q, q) + C(p, q)^2) / N; five standard errors.
TEST(Covariance, FiltersHaveTheStatedCovariance) {
  struct Case {
    CovarianceOptions options;
    int kernel;
  };
  for (const Case& test : {Case{{.depth = 0.0}, 5}, Case{{.depth = 1.0}, 5}, Case{{.depth = 0.25, .gain = 3.0}, 3},
                           Case{{.depth = 1.0}, 9}, Case{{.depth = 0.75, .first = 0.5, .last = 0.3}, 7}}) {
    constexpr int filters = 8192;
    const CovarianceOptions& o = test.options;
    const int taps = test.kernel * test.kernel;
    const WeightShape shape = WeightShape::conv(test.kernel, filters, filters, filters);
    const std::vector<float> w = test::weights_of(*covariance(o), shape, 4);
    std::vector<double> c =
        tap_covariance(test.kernel, test.kernel, test.kernel * (o.first + (o.last - o.first) * o.depth));
    for (double& v : c) v *= o.gain * o.gain / taps;
    for (int p = 0; p < taps; ++p)
      for (int q = 0; q <= p; ++q) {
        double mean = 0.0;
        for (int f = 0; f < filters; ++f)
          mean += static_cast<double>(w[z(f * taps + p)]) * static_cast<double>(w[z(f * taps + q)]) / filters;
        const double own = c[z(p * taps + q)];
        EXPECT_NEAR(mean, own, 5 * std::sqrt((c[z(p * taps + p)] * c[z(q * taps + q)] + own * own) / filters))
            << "kernel " << test.kernel << ", depth " << o.depth << ", taps " << p << ", " << q;
      }
  }
}

// The mean square distance from the centre tap, weighted by w^2, in squared taps.
double spread(std::span<const float> w, int kernel) {
  double weighted = 0.0, sum = 0.0;
  for (std::size_t k = 0; k < w.size(); ++k) {
    const int tap = static_cast<int>(k) % (kernel * kernel), y = tap / kernel - kernel / 2,
              x = tap % kernel - kernel / 2;
    const double square = static_cast<double>(w[k]) * static_cast<double>(w[k]);
    weighted += square * (y * y + x * x);
    sum += square;
  }
  return weighted / sum;
}

TEST(Covariance, FiltersWidenWithDepthAndKernel) {
  const auto at = [](double depth, int kernel) {
    return spread(test::weights_of(*covariance({.depth = depth}), WeightShape::conv(kernel, 256, 256, 256)), kernel);
  };
  double before = 0.0;
  for (const double depth : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    EXPECT_GT(at(depth, 7), before) << depth;
    before = at(depth, 7);
  }
  EXPECT_GT(at(0.5, 9), at(0.5, 5));
}

// Where a filter has one tap there is nothing to correlate.
TEST(Covariance, ASingleTapIsANormalDraw) {
  const WeightShape shape = WeightShape::conv(1, 16, 9, 1);
  PhiloxDraws draws(Rng::stream(1, "init/w"));
  std::vector<float> expected(shape.size());
  draws.normal(expected, 0.0, 1.0);
  const std::vector<float> w = test::weights_of(*covariance({.gain = 2.0}), shape);
  for (std::size_t k = 0; k < w.size(); ++k) EXPECT_FLOAT_EQ(w[k], 0.5f * expected[k]);
  EXPECT_TRUE(covariance({})->centred(shape));
  EXPECT_FALSE(covariance({})->centred(WeightShape::conv(3, 4, 4, 1)));
}

TEST(Covariance, MistakesAreNamed) {
  const auto error = [](const CovarianceOptions& o) { return test::error_of([&] { covariance(o); }); };
  EXPECT_EQ(error({.depth = 8}),
            "covariance with depth 8; it is the layer's place, from 0 for the first to 1 for the last");
  EXPECT_EQ(error({.first = 0}), "covariance with first 0; it must be above 0");
  EXPECT_EQ(error({.gain = -1}), "covariance with gain -1; it must be above 0");
}

}  // namespace
}  // namespace fanin
