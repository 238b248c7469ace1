// Random numbers: the generator against published vectors, the transforms against the functions that they invert, the
// streams against stored values, so that a change of any stream is noticed.
// SPDX-License-Identifier: MIT
#include "core/rng.h"

#include "tests/support/distribution.h"

#include <set>

namespace fanin {
namespace {

// The all-zero vector of Random123's kat_vectors for philox4x32-10: 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
TEST(Rng, IsPhilox) {
  EXPECT_EQ(Rng(0).bits(0), 0xe169c58d6627e8d5u);
  EXPECT_EQ(Rng(0).bits(1), 0x9b00dbd8bc57ac4cu);
}

// normal_quantile is the inverse of Phi: Phi(q(p)) = p. Its stated accuracy is 1 part in 10^16; erfc adds a few units,
// and an error e of q moves p by a factor of about 1 + e |q|, hence the factor of |q|.
TEST(Rng, NormalQuantileInvertsTheDistribution) {
  for (int k = 1; k < 2000; ++k) {
    const double p = k / 2000.0, q = normal_quantile(p);
    EXPECT_NEAR(test::normal_cdf(q) / p, 1.0, 1e-15 * (8.0 + 8.0 * q * q)) << p;
    EXPECT_NEAR(q, -normal_quantile(1.0 - p), 1e-14 * (1.0 + std::fabs(q))) << p;
  }
  for (int e = 4; e <= 52; ++e) {
    const double p = std::ldexp(1.0, -e), q = normal_quantile(p);
    EXPECT_NEAR(test::normal_cdf(q) / p, 1.0, 1e-15 * (8.0 + 8.0 * q * q)) << p;
  }
  EXPECT_EQ(normal_quantile(0.5), 0.0);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
}

TEST(Rng, DrawsFollowTheirDistributions) {
  constexpr std::uint64_t n = 20000;
  const Rng rng = Rng::stream(7, "draws");
  std::vector<double> uniform, normal, truncated;
  for (std::uint64_t i = 0; i < n; ++i) {
    uniform.push_back(rng.uniform(i));
    normal.push_back(rng.normal(i + n));
    truncated.push_back(rng.truncated_normal(i + 2 * n));
    ASSERT_GT(uniform.back(), 0.0);
    ASSERT_LT(uniform.back(), 1.0);
    ASSERT_LE(std::fabs(truncated.back()), 2.0);
  }
  test::expect_distribution(
      uniform, [](double x) { return std::clamp(x, 0.0, 1.0); }, "uniform");
  test::expect_distribution(normal, test::normal_cdf, "normal");
  const double low = test::normal_cdf(-2.0), high = test::normal_cdf(2.0);
  test::expect_distribution(
      truncated, [&](double x) { return (test::normal_cdf(x) - low) / (high - low); }, "truncated normal");
}

TEST(Rng, StreamsAreIndependentOfEachOther) {
  const Rng a = Rng::stream(1, "init/a"), b = Rng::stream(1, "init/b"), c = Rng::stream(2, "init/a");
  double ab = 0.0, ac = 0.0, neighbours = 0.0;
  constexpr int n = 10000;
  for (std::uint64_t i = 0; i < n; ++i) {
    ab += a.normal(i) * b.normal(i);
    ac += a.normal(i) * c.normal(i);
    neighbours += a.normal(i) * a.normal(i + 1);
  }
  const double five_errors = 5.0 * std::sqrt(n);  // a sum of n products of independent standard normals has variance n
  EXPECT_LT(std::fabs(ab), five_errors);
  EXPECT_LT(std::fabs(ac), five_errors);
  EXPECT_LT(std::fabs(neighbours), five_errors);
}

TEST(Rng, PermutationsArePermutationsAndUniform) {
  std::vector<int> first(5, 0);
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    const std::vector<std::uint32_t> order = Rng::stream(seed, "shuffle/1").permutation(5);
    EXPECT_EQ(std::set<std::uint32_t>(order.begin(), order.end()).size(), 5u);
    ++first[order[0]];
  }
  for (const int count : first)
    EXPECT_NEAR(count, 1000, 5.0 * std::sqrt(5000 * 0.2 * 0.8));  // five binomial deviations
  EXPECT_TRUE(Rng::stream(1, "x").permutation(0).empty());
}

TEST(Rng, BelowStaysBelow) {
  const Rng rng = Rng::stream(3, "below");
  std::vector<int> counts(3, 0);
  for (std::uint64_t i = 0; i < 3000; ++i) ++counts[rng.below(i, 3)];
  for (const int count : counts) EXPECT_NEAR(count, 1000, 5.0 * std::sqrt(3000 * 2.0 / 9.0));
  EXPECT_EQ(rng.below(5, 1), 0u);
}

// Stored on 2026-11-24. A difference means that every result of every user changes: do not update these without a
// reason in the change log.
TEST(Rng, TheStreamsAreWhatTheyWere) {
  const Rng rng = Rng::stream(1, "init/conv0.weight");
  EXPECT_EQ(rng.bits(0), 0xb5b37c1a414968c6ULL);
  EXPECT_EQ(rng.bits(1), 0x8ff6cc3fbd5d5d00ULL);
  EXPECT_EQ(rng.bits(123456789), 0x8dd1f7fb0bb8ec9eULL);
}

}  // namespace
}  // namespace fanin
