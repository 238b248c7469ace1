// Statistics of a node's values against numbers worked out by hand.
// SPDX-License-Identifier: MIT
#include "apps/study/value_statistics.h"

#include "core/rng.h"
#include "core/tensor/parallel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

namespace fanin {
namespace {

Tensor filled(const Shape& shape, const std::vector<float>& values) {
  Tensor tensor(shape);
  std::copy(values.begin(), values.end(), tensor.view().data);
  return tensor;
}

TEST(ValueStatistics, CountsWhatIsThere) {
  const Tensor t = filled({2, 1, 1, 3}, {0.0f, 3.0f, -1.0f, 0.0f, 0.0f, 2.0f});
  Histogram histogram{-2.0, 2.0, std::vector<double>(4)};
  const ValueStatistics s = statistics_of(t.view(), {}, &histogram);
  EXPECT_DOUBLE_EQ(s.mean, 4.0 / 6.0);
  EXPECT_DOUBLE_EQ(s.square, 14.0 / 6.0);
  EXPECT_NEAR(s.std, std::sqrt(14.0 / 6.0 - 16.0 / 36.0), 1e-15);
  EXPECT_DOUBLE_EQ(s.zeros, 0.5);
  EXPECT_DOUBLE_EQ(s.dead, 1.0 / 3.0);  // the first channel
  EXPECT_EQ(s.saturated, 0.0);
  EXPECT_EQ(histogram.counts, (std::vector<double>{0, 1, 3, 2}));
}

TEST(ValueStatistics, KeepsDigitsFarFromZeroAndSaysWhenValuesAreNotFinite) {
  const Tensor far = filled({4, 1, 1, 1}, {1e6f, 1e6f + 1, 1e6f + 2, 1e6f + 3});
  EXPECT_DOUBLE_EQ(statistics_of(far.view(), {}).std, std::sqrt(1.25));
  const Tensor bad = filled({2, 1, 1, 1}, {1.0f, std::numeric_limits<float>::infinity()});
  EXPECT_FALSE(std::isfinite(statistics_of(bad.view(), {}).square));
}

TEST(ValueStatistics, SaturatedIsWhereTheSlopeIsBelowATwentiethOfItsSteepest) {
  const auto share = [](const char* function, std::vector<float> y) {
    const Tensor t = filled({static_cast<int>(y.size()), 1, 1, 1}, y);
    return statistics_of(t.view(), {.kind = Traits::Kind::activation, .function = function}).saturated;
  };
  // Slopes either side of the limit: 1 - y^2 = 0.05 at 0.97468; y (1 - y) = 0.0125 at 0.98734; (1 - y)^2 = 0.05 at
  // 0.77639; y + 1 = 0.05 at -0.95; y + 1.75810 = 0.08790 at -1.67019.
  EXPECT_EQ(share("tanh", {0.9746f, 0.9748f, -0.9746f, -0.9748f}), 0.5);
  EXPECT_EQ(share("sigmoid", {0.9873f, 0.9874f, 0.0126f, 0.0127f}), 0.5);
  EXPECT_EQ(share("softsign", {0.7763f, 0.7765f, -0.7763f, -0.7765f}), 0.5);
  EXPECT_EQ(share("elu", {-0.951f, -0.949f, 5.0f, 6.0f}), 0.25);
  EXPECT_EQ(share("selu", {-1.671f, -1.669f, 5.0f, 6.0f}), 0.25);
  EXPECT_EQ(share("relu", {0.0f, 9.0f}), 0.0);
}

TEST(ValueStatistics, CorrelationIsTheMeanCosine) {
  const Tensor t = filled({3, 1, 1, 2}, {1, 0, 0, 2, 3, 3});  // angles 90, 45 and 45 degrees
  EXPECT_NEAR(pair_correlation(t.view()), 2.0 / 3.0 * std::sqrt(0.5), 1e-15);
  EXPECT_NEAR(pair_correlation(t.view(), 2), 0.0, 1e-15);
  EXPECT_TRUE(std::isnan(pair_correlation(t.view(), 1)));
}

TEST(ValueStatistics, ReadsSlicesAndGivesTheSameBitsForAnyThreads) {
  Tensor wide({3, 40, 40, 20});
  const Rng rng = Rng::stream(1, "values");
  for (std::size_t i = 0; i < wide.shape().size(); ++i) wide.view().data[i] = static_cast<float>(rng.normal(i));
  const ConstView slice = std::as_const(wide).view().channels(5, 7);
  Tensor copied(slice.shape);
  copy(slice, copied.view());
  Histogram first{-3, 3, std::vector<double>(8)}, second = first;
  const int threads = thread_count();
  set_thread_count(1);
  const ValueStatistics a = statistics_of(slice, {}, &first);
  const double c = pair_correlation(slice);
  set_thread_count(3);
  const ValueStatistics b = statistics_of(std::as_const(copied).view(), {}, &second);
  EXPECT_EQ(c, pair_correlation(std::as_const(copied).view()));
  set_thread_count(threads);
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.std, b.std);
  EXPECT_EQ(a.square, b.square);
  EXPECT_EQ(first.counts, second.counts);
  EXPECT_EQ(std::accumulate(first.counts.begin(), first.counts.end(), 0.0), 3.0 * 40 * 40 * 7);
  // A mean of 33600 draws of variance 1, and a variance with relative error sqrt(2 / n): five standard errors.
  EXPECT_NEAR(a.mean, 0.0, 5.0 / std::sqrt(33600.0));
  EXPECT_NEAR(a.std * a.std, 1.0, 5.0 * std::sqrt(2.0 / 33600.0));
}

}  // namespace
}  // namespace fanin
