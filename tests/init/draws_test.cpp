// SPDX-License-Identifier: MIT
#include "init/draws.h"

#include "core/check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fanin {
namespace {

TEST(Draws, SuccessiveCallsGoOnInTheStream) {
  const Rng rng = Rng::stream(3, "w");
  PhiloxDraws whole(rng), parts(rng);
  std::vector<float> all(10), first(4), second(6);
  whole.normal(all, 0.0, 1.0);
  parts.normal(first, 0.0, 1.0);
  parts.normal(second, 0.0, 1.0);
  first.insert(first.end(), second.begin(), second.end());
  EXPECT_EQ(all, first);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(all[i], static_cast<float>(rng.normal(i)));
}

TEST(Draws, PermutationsHoldEveryNumberAndDiffer) {
  PhiloxDraws draws(Rng::stream(3, "w"));
  const std::vector<std::uint32_t> a = draws.permutation(50), b = draws.permutation(50);
  EXPECT_NE(a, b);
  std::vector<std::uint32_t> sorted = a, expected(50);
  std::sort(sorted.begin(), sorted.end());
  std::iota(expected.begin(), expected.end(), 0u);
  EXPECT_EQ(sorted, expected);
}

// Against the definition: P(Z <= quantile(p)) grows from P(low) by p of the mass, also where the mass is 1e-17.
TEST(Draws, TruncatedQuantiles) {
  const auto tail = [](double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); };  // P(Z > z)
  for (const auto& [low, high] : {std::pair{-2.0, 2.0}, {0.5, 9.0}, {8.5, 9.0}, {-9.0, -8.5}, {-1.0, 30.0}})
    for (const double p : {0.01, 0.3, 0.999}) {
      const double z = truncated_normal_quantile(p, low, high);
      const double share = low > 0.0 ? (tail(low) - tail(z)) / (tail(low) - tail(high))
                                     : (tail(-z) - tail(-low)) / (tail(-high) - tail(-low));
      EXPECT_NEAR(share, p, 1e-9) << low << " " << high;
    }
  EXPECT_EQ(truncated_normal_quantile(1e-300, -1.0, 1.0), -1.0);
}

TEST(Draws, StreamNames) {
  EXPECT_EQ(parse_stream("torch"), StreamKind::torch);
  EXPECT_EQ(parse_stream("philox"), StreamKind::philox);
  EXPECT_THROW(parse_stream("mt19937"), Error);
}

}  // namespace
}  // namespace fanin
