// Statistics against values worked out by hand and against the property that matters: how often an interval covers the
// truth.
// SPDX-License-Identifier: MIT
#include "apps/study/statistics.h"

#include "core/check.h"
#include "core/rng.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

TEST(Statistics, QuartilesInterpolate) {
  const Quartiles q = quartiles({4.0, 1.0, 3.0, 2.0});
  EXPECT_DOUBLE_EQ(q.low, 1.75);
  EXPECT_DOUBLE_EQ(q.median, 2.5);
  EXPECT_DOUBLE_EQ(q.high, 3.25);
  EXPECT_DOUBLE_EQ(quantile({7.0}, 0.25), 7.0);
  EXPECT_DOUBLE_EQ(quantile({1.0, 2.0, 9.0}, 0.5), 2.0);
}

// Tables of Student's t; 5e-4 is half a unit of their last digit.
TEST(Statistics, StudentQuantiles) {
  EXPECT_NEAR(student_t_quantile(0.975, 1), 12.706, 5e-4);
  EXPECT_NEAR(student_t_quantile(0.975, 2), 4.303, 5e-4);
  EXPECT_NEAR(student_t_quantile(0.975, 3), 3.182, 5e-4);
  EXPECT_NEAR(student_t_quantile(0.975, 4), 2.776, 5e-4);
  EXPECT_NEAR(student_t_quantile(0.975, 9), 2.262, 5e-4);
  EXPECT_NEAR(student_t_quantile(0.975, 30), 2.042, 5e-4);
  EXPECT_NEAR(student_t_quantile(0.95, 5), 2.015, 5e-4);
  EXPECT_THROW(student_t_quantile(0.975, 0), Error);
}

TEST(Statistics, IntervalOfThreePairs) {
  const std::vector<double> d = {1.0, 2.0, 3.0};  // mean 2, standard error 1/sqrt(3): 2 -+ 4.3027 * 0.57735
  const std::optional<Interval> interval = paired_interval(d);
  ASSERT_TRUE(interval);
  EXPECT_NEAR(interval->low, 2.0 - 2.4842, 1e-4);
  EXPECT_NEAR(interval->high, 2.0 + 2.4842, 1e-4);
  EXPECT_TRUE(interval->contains(0.0));
  EXPECT_FALSE(paired_interval(std::vector<double>{1.0}));
  EXPECT_FALSE(paired_interval(std::vector<double>{}));
}

// 95 % intervals of normal differences must cover the true mean in at least 95 % of cases; 1000 cases have a standard
// error of 0.7 %, so fewer than 93 % is three of those too few. The bootstrap alone fails this for n = 3.
TEST(Statistics, IntervalsCoverTheTruth) {
  for (const int n : {3, 5, 10}) {
    int covered = 0;
    constexpr int kCases = 1000;
    const Rng rng = Rng::stream(11, "coverage");
    for (int k = 0; k < kCases; ++k) {
      std::vector<double> d;
      for (int i = 0; i < n; ++i) d.push_back(0.5 + rng.normal(static_cast<std::uint64_t>(k * 100 + i)));
      covered += paired_interval(d)->contains(0.5);
    }
    EXPECT_GE(covered, 930) << "n = " << n;
  }
}

TEST(Statistics, SameDifferencesSameInterval) {
  const std::vector<double> d = {0.3, -0.1, 0.8, 0.2, 0.4, 0.1, 0.0};
  const std::optional<Interval> a = paired_interval(d), b = paired_interval(d);
  EXPECT_EQ(a->low, b->low);
  EXPECT_EQ(a->high, b->high);
}

}  // namespace
}  // namespace fanin
