// The self-test must pass what is sound and catch what is not: initializers that are not what they say.
// SPDX-License-Identifier: MIT
#include "init/self_test.h"

#include "init/catalog.h"
#include "tests/support/distribution.h"

#include <gtest/gtest.h>

namespace fanin {
namespace {

const WeightShape kConv = WeightShape::conv(3, 48, 64, 1), kLinear = WeightShape::linear(100, 60);

bool all_pass(const Initializer& initializer, const WeightShape& shape, std::uint64_t seed = 1) {
  const std::vector<SelfTestCheck> checks = self_test(initializer, shape, seed);
  EXPECT_FALSE(checks.empty());
  return std::all_of(checks.begin(), checks.end(), [](const SelfTestCheck& c) { return c.passed; });
}

TEST(SelfTest, TheCatalogPasses) {
  for (const InitializerEntry& entry : initializer_catalog()) {
    const InitializerPtr initializer = make_initializer(entry.example);
    const bool linear_only = entry.name == "eye" || entry.name == "sparse";
    EXPECT_TRUE(all_pass(*initializer, linear_only ? kLinear : kConv)) << entry.name;
  }
}

// Says one thing and draws another.
class Liar : public Initializer {
 public:
  Liar(InitializerPtr said, InitializerPtr done) : said_(std::move(said)), done_(std::move(done)) {}
  std::string describe() const override { return said_->describe(); }
  std::optional<double> variance(const WeightShape& s) const override { return said_->variance(s); }
  double kurtosis(const WeightShape& s) const override { return said_->kurtosis(s); }
  std::optional<Distribution> distribution(const WeightShape& s) const override { return said_->distribution(s); }
  std::optional<Property> property(const WeightShape& s, std::span<const float> w) const override {
    return said_->property(s, w);
  }
  void fill(const WeightShape& s, std::span<float> w, Draws& d) const override { done_->fill(s, w, d); }

 private:
  const InitializerPtr said_, done_;
};

TEST(SelfTest, WrongInitializersAreCaught) {
  const std::pair<const char*, const char*> lies[] = {
      {"kaiming_normal", "kaiming_normal:mode=fan_out"},  // fan_in for fan_out
      {"kaiming_normal", "kaiming_uniform"},              // right variance, wrong distribution
      {"kaiming_normal", "variance_scaling:scale=2,draw=truncated"},
      {"xavier_uniform", "xavier_normal"},
      {"orthogonal", "variance_scaling:scale=1"},  // right size, not orthogonal
      {"normal:std=0.1", "normal:std=0.11"},
      {"zeros", "normal:std=1e-3"},
      {"dirac", "zeros"},
  };
  for (const auto& [said, done] : lies)
    EXPECT_FALSE(all_pass(Liar(make_initializer(said), make_initializer(done)), kConv)) << said << " was " << done;
  EXPECT_FALSE(all_pass(Liar(make_initializer("sparse"), make_initializer("sparse:sparsity=0.8")), kLinear));
}

// Weights of one size with drawn signs: their squares do not scatter at all, their mean does.
class Signs : public Initializer {
 public:
  std::string describe() const override { return "+-1"; }
  std::optional<double> variance(const WeightShape&) const override { return 1.0; }
  double kurtosis(const WeightShape&) const override { return 1.0; }
  void fill(const WeightShape&, std::span<float> w, Draws& draws) const override {
    draws.uniform(w, -1.0, 1.0);
    for (float& v : w) v = v < 0.0f ? -1.0f : 1.0f;
  }
};

TEST(SelfTest, AVarianceWithoutScatterLeavesRoomForTheMean) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) EXPECT_TRUE(all_pass(Signs(), kConv, seed)) << seed;
  EXPECT_FALSE(all_pass(Liar(std::make_shared<Signs>(), make_initializer("normal:std=1.1")), kConv));
}

// The p-value against a second implementation and a tabulated quantile: P(sqrt(n) D > 1.3581) = 0.05 for large n.
TEST(SelfTest, KolmogorovProbabilities) {
  for (const double d : {0.01, 0.02, 0.05}) EXPECT_DOUBLE_EQ(kolmogorov_p(d, 5000), test::kolmogorov_p(d, 5000));
  EXPECT_NEAR(kolmogorov_p(1.3581 / 1000.0, 1000000), 0.05, 2e-4);
}

}  // namespace
}  // namespace fanin
