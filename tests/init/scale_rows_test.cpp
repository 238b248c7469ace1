// The rows of independent draws against their formulas.
// SPDX-License-Identifier: MIT
#include "core/check.h"
#include "init/catalog.h"
#include "tests/support/distribution.h"
#include "tests/support/error_of.h"
#include "tests/support/weights.h"

namespace fanin {
namespace {

using test::weights_of;

// The variances of torch.nn.init, worked out from its formulas, not from ours.
TEST(ScaleRows, VariancesAreThoseOfTheFormulas) {
  const WeightShape c =
      WeightShape::conv(3, 64, 128, 4);  // torch: fan_in 16 * 9 = 144, fan_out 128 * 9 = 1152; exact fan_out 288
  const auto variance = [&](const char* spec) { return *make_initializer(spec)->variance(c); };
  EXPECT_DOUBLE_EQ(variance("kaiming_normal"), 2.0 / 144);
  EXPECT_DOUBLE_EQ(variance("kaiming_uniform:mode=fan_out"), 2.0 / 288);
  EXPECT_DOUBLE_EQ(variance("kaiming_normal:mode=fan_out,groups=torch"), 2.0 / 1152);
  EXPECT_DOUBLE_EQ(variance("kaiming_normal:a=1"), 1.0 / 144);
  EXPECT_NEAR(variance("kaiming_normal:nonlinearity=tanh"), 25.0 / 9 / 144, 1e-15);
  EXPECT_DOUBLE_EQ(variance("kaiming_normal:nonlinearity=linear"), 1.0 / 144);
  EXPECT_DOUBLE_EQ(variance("xavier_normal"), 2.0 / (144 + 288));
  EXPECT_DOUBLE_EQ(variance("xavier_uniform:gain=3,groups=torch"), 18.0 / (144 + 1152));
  EXPECT_DOUBLE_EQ(variance("lecun_normal"), 1.0 / 144);
  EXPECT_DOUBLE_EQ(variance("torch_default"), 1.0 / 3 / 144);
  EXPECT_DOUBLE_EQ(variance("kaiming_normal:groups=ignored"), 2.0 / (64 * 9));
  EXPECT_DOUBLE_EQ(variance("kaiming_normal:nonlinearity=selu"), 0.5625 / 144);
  EXPECT_NEAR(variance("kaiming_normal:nonlinearity=relu,gain=exact"), 2.0 / 144, 1e-15);
  EXPECT_NEAR(variance("kaiming_normal:nonlinearity=gelu"), 1.0 / 0.425217 / 144, 1e-6);  // E gelu(z)^2
  EXPECT_NEAR(variance("trunc_normal"), 0.87962566103423978 * 0.87962566103423978, 1e-12);
  EXPECT_DOUBLE_EQ(variance("variance_scaling:scale=4,mode=fan_avg"), 8.0 / (144 + 288));
  EXPECT_DOUBLE_EQ(variance("normal:std=0.01"), 1e-4);
  EXPECT_DOUBLE_EQ(variance("uniform:a=-1,b=1"), 4.0 / 12);
  EXPECT_DOUBLE_EQ(variance("orthogonal:gain=2"), 4.0 / 144);
  EXPECT_DOUBLE_EQ(variance("torch7_default"), 1.0 / 3 / (64 * 9));
  EXPECT_DOUBLE_EQ(variance("depth_scaled:depth=8"), 2.0 / 8 / 144);
  EXPECT_DOUBLE_EQ(variance("kaiming_normal:dropout=0.25"), 1.5 / 144);
  EXPECT_DOUBLE_EQ(variance("kaiming_uniform:dropout=0.25,mode=fan_out"), 1.5 / 288);
}

TEST(ScaleRows, DrawsFollowTheirDistributions) {
  const WeightShape shape = WeightShape::linear(100, 100);
  const auto draws = [&](const char* spec) {
    const std::vector<float> w = weights_of(*make_initializer(spec), shape, 5, spec);
    return std::vector<double>(w.begin(), w.end());
  };
  const double he = std::sqrt(2.0 / 100), bound = std::sqrt(6.0 / 200);
  test::expect_distribution(
      draws("kaiming_normal"), [&](double x) { return test::normal_cdf(x / he); }, "kaiming_normal");
  test::expect_distribution(
      draws("xavier_uniform"), [&](double x) { return std::clamp(0.5 + 0.5 * x / bound, 0.0, 1.0); }, "xavier_uniform");
  test::expect_distribution(
      draws("torch_default"), [&](double x) { return std::clamp(0.5 + 5.0 * x, 0.0, 1.0); },
      "torch_default: +-1/sqrt(100)");
  const double widened = 0.1 / 0.87962566103423978, low = test::normal_cdf(-2.0), high = test::normal_cdf(2.0);
  test::expect_distribution(
      draws("variance_scaling:draw=truncated"),
      [&](double x) { return std::clamp((test::normal_cdf(x / widened) - low) / (high - low), 0.0, 1.0); },
      "truncated");
}

// Inverted dropout at rate p divides what it keeps by 1 - p. A linear unit that reads it has the second moment of its
// undisturbed twin: fan_in independent terms of variance 1 each in both cases.
TEST(ScaleRows, TheDropoutGainKeepsTheSecondMoment) {
  constexpr int in = 200, out = 400;
  const double rate = 0.4;
  const std::vector<float> w =
      weights_of(*make_initializer("kaiming_normal:nonlinearity=linear,dropout=0.4"), WeightShape::linear(in, out));
  const Rng rng = Rng::stream(1, "dropout");
  double square = 0.0;
  for (std::uint64_t o = 0; o < out; ++o) {
    double sum = 0.0;
    for (std::uint64_t i = 0; i < in; ++i) {
      const bool kept = rng.uniform(o * in + i) >= rate;
      if (kept) sum += static_cast<double>(w[o * in + i]) / (1.0 - rate);
    }
    square += sum * sum / out;
  }
  EXPECT_NEAR(square, 1.0, 5.0 * std::sqrt(2.0 / out)) << "variance of a mean of `out` squares of nearly normal sums";
}

TEST(ScaleRows, MissingAndWrongArgumentsAreNamed) {
  const auto error = [](const char* spec) { return test::error_of([&] { make_initializer(spec); }); };
  EXPECT_EQ(error("depth_scaled"),
            "depth_scaled needs depth=, the number of residual blocks (or layers), such as depth_scaled:depth=12");
  EXPECT_EQ(error("depth_scaled:depth=0"),
            "initializer 'depth_scaled': depth=0 must be a whole number from 1 to 1000000");
  EXPECT_EQ(error("kaiming_normal:dropout=1"), "dropout = 1; give at least 0 and below 1");
  EXPECT_EQ(error("random_walk:nonlinearity=tanh"),
            "initializer 'random_walk': unknown nonlinearity 'tanh'; choose from relu, linear");
}

}  // namespace
}  // namespace fanin
