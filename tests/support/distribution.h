// Tests of random draws with derived tolerances.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <vector>

namespace fanin::test {

// Probability that a one-sample Kolmogorov-Smirnov statistic of n draws is at least d (Marsaglia's asymptotic series
// with Stephens' correction).
inline double kolmogorov_p(double d, std::size_t n) {
  const double root = std::sqrt(static_cast<double>(n));
  const double t = (root + 0.12 + 0.11 / root) * d;
  double sum = 0.0;
  for (int k = 1; k <= 100; ++k) sum += (k % 2 == 1 ? 2.0 : -2.0) * std::exp(-2.0 * k * k * t * t);
  return std::clamp(sum, 0.0, 1.0);
}

// The draws must look like the distribution function `cdf`: p > 1e-4, so that one test in ten thousand would fail by
// chance; seeds are fixed.
inline void expect_distribution(std::vector<double> draws, const std::function<double(double)>& cdf,
                                const std::string& what) {
  std::sort(draws.begin(), draws.end());
  const double n = static_cast<double>(draws.size());
  double d = 0.0;
  for (std::size_t i = 0; i < draws.size(); ++i) {
    const double f = cdf(draws[i]);
    d = std::max({d, f - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - f});
  }
  EXPECT_GT(kolmogorov_p(d, draws.size()), 1e-4) << what << ": statistic " << d << " of " << draws.size() << " draws";
}

inline double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

struct SampleMoments {
  double mean = 0, variance = 0;
};
inline SampleMoments sample_moments(std::span<const float> values) {
  SampleMoments m;
  for (const float v : values) m.mean += static_cast<double>(v);
  m.mean /= static_cast<double>(values.size());
  for (const float v : values) m.variance += (static_cast<double>(v) - m.mean) * (static_cast<double>(v) - m.mean);
  m.variance /= static_cast<double>(values.size());
  return m;
}

// The sample variance of n independent draws has relative standard error sqrt((kurtosis - 1) / n); five of those are
// allowed. Rounding to float adds at most 2^-23.
inline void expect_variance(std::span<const float> values, double promised, double kurtosis, const std::string& what) {
  const double n = static_cast<double>(values.size());
  const SampleMoments m = sample_moments(values);
  EXPECT_NEAR(m.variance / promised, 1.0, 5.0 * std::sqrt((kurtosis - 1.0) / n) + 1.0 / n + 0x1p-22)
      << what << ": n = " << n << ", promised " << promised << ", measured " << m.variance;
  EXPECT_NEAR(m.mean, 0.0, 5.0 * std::sqrt(promised / n)) << what;
}

}  // namespace fanin::test
