// SPDX-License-Identifier: MIT
#include "init/fixed.h"

#include "core/check.h"
#include "tests/support/distribution.h"
#include "tests/support/weights.h"

namespace fanin {
namespace {

const WeightShape kShape = WeightShape::linear(100, 50);

TEST(Fixed, BoundsAndDegenerateCases) {
  for (const float v : test::weights_of(*uniform(-1.0, 2.0), kShape)) {
    EXPECT_GE(v, -1.0f);
    EXPECT_LE(v, 2.0f);
  }
  for (const float v : test::weights_of(*normal(3.0, 0.0), kShape)) EXPECT_EQ(v, 3.0f);
  EXPECT_EQ(*normal(1.0, 0.5)->variance(kShape), 0.25);
}

// torch.nn.init.trunc_normal_ has absolute bounds; PyTorch up to 2.11 wrote the bounds themselves where they are many
// deviations away (pytorch#155588). Here no draw sticks to a bound, and the law holds far out, too.
TEST(Fixed, TruncatedNormalFollowsItsLawFarOut) {
  for (const auto& [mean, std, low, high] : {std::array{0.0, 1.0, -2.0, 2.0},
                                             {0.0, 0.001, -2.0, 2.0},
                                             {0.0, 1.0, 5.0, 7.0},
                                             {0.0, 1.0, -9.0, -8.0},
                                             {1.0, 2.0, -0.5, 0.25}}) {
    const std::vector<float> w = test::weights_of(*truncated_normal(mean, std, low, high), kShape);
    int at_a_bound = 0;  // by rounding to float: a few in 5000 at most, where PyTorch had thousands
    for (const float v : w) {
      ASSERT_GE(v, low);
      ASSERT_LE(v, high);
      at_a_bound += static_cast<double>(v) == low || static_cast<double>(v) == high;
    }
    EXPECT_LE(at_a_bound, 3);
    const double a = (low - mean) / std, b = (high - mean) / std;
    const auto tail = [](double from, double to) { return test::normal_cdf(-from) - test::normal_cdf(-to); };
    test::expect_distribution(
        {w.begin(), w.end()},
        [&](double x) {
          const double z = (x - mean) / std;
          return a > 0.0 ? tail(a, z) / tail(a, b)
                         : (test::normal_cdf(z) - test::normal_cdf(a)) / (test::normal_cdf(b) - test::normal_cdf(a));
        },
        "truncated");
  }
}

TEST(Fixed, WarnsWherePyTorchWarns) {
  EXPECT_EQ(truncated_normal(0.0, 1.0, -2.0, 2.0)->warning(kShape), "");
  EXPECT_EQ(truncated_normal(3.9, 1.0, -2.0, 2.0)->warning(kShape), "");
  EXPECT_NE(truncated_normal(4.1, 1.0, -2.0, 2.0)->warning(kShape).find("more than 2 std outside"), std::string::npos);
}

TEST(Fixed, ImpossibleLaws) {
  EXPECT_THROW(normal(0.0, -1.0), Error);
  EXPECT_THROW(uniform(1.0, 0.0), Error);
  EXPECT_THROW(truncated_normal(0.0, 1.0, 1.0, 1.0), Error);
}

}  // namespace
}  // namespace fanin
