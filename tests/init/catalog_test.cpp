// Every row of the catalog is held to its promise, on shapes that include groups, 1x1 kernels and linear layers.
// SPDX-License-Identifier: MIT
#include "init/catalog.h"

#include "core/check.h"
#include "tests/support/distribution.h"

#include <fstream>
#include <functional>
#include <sstream>

namespace fanin {
namespace {

const WeightShape kShapes[] = {
    WeightShape::conv(3, 16, 32, 1), WeightShape::conv(3, 3, 16, 1),  WeightShape::conv(1, 64, 24, 1),
    WeightShape::conv(5, 8, 8, 1),   WeightShape::conv(3, 64, 64, 8), WeightShape::conv(3, 32, 64, 32),
    WeightShape::linear(640, 10),    WeightShape::linear(100, 300),
};

std::vector<float> draw(const Initializer& initializer, const WeightShape& shape, std::uint64_t seed,
                        const std::string& name) {
  std::vector<float> weights(shape.size(), std::numeric_limits<float>::quiet_NaN());
  initializer.fill(shape, weights, Rng::stream(seed, "init/" + name));
  return weights;
}

bool serves(const std::string& name, const WeightShape& shape) { return name != "dirac" || shape.rank == 4; }
bool is_random(const std::string& name) {
  return name != "constant" && name != "zeros" && name != "ones" && name != "dirac";
}

// E[z^4] / E[z^2]^2 of the draws: 3 normal, 1.8 uniform.
double kurtosis_of(const std::string& name) {
  return name.find("uniform") != std::string::npos || name == "torch_default" ? 1.8 : 3.0;
}

TEST(Catalog, EveryRowFillsEveryShapeReproducibly) {
  for (const InitializerEntry& entry : initializer_catalog())
    for (const WeightShape& shape : kShapes) {
      if (!serves(entry.name, shape)) continue;
      const InitializerPtr initializer = make_initializer(entry.name);
      const std::vector<float> a = draw(*initializer, shape, 1, "a");
      for (const float v : a) ASSERT_TRUE(std::isfinite(v)) << entry.name << " " << to_string(shape);
      EXPECT_EQ(a, draw(*initializer, shape, 1, "a")) << entry.name;
      EXPECT_EQ(a != draw(*initializer, shape, 2, "a"), is_random(entry.name)) << entry.name << ": another seed";
      EXPECT_EQ(a != draw(*initializer, shape, 1, "b"), is_random(entry.name)) << entry.name << ": another name";
      EXPECT_FALSE(initializer->describe().empty());
    }
}

TEST(Catalog, EveryRowKeepsItsPromisedVariance) {
  for (const InitializerEntry& entry : initializer_catalog())
    for (const WeightShape& shape : kShapes) {
      if (!serves(entry.name, shape)) continue;
      const InitializerPtr initializer = make_initializer(entry.name);
      const std::optional<double> promised = initializer->variance(shape);
      ASSERT_TRUE(promised) << entry.name;
      const std::vector<float> w = draw(*initializer, shape, 3, to_string(shape));
      const std::string what = entry.name + " " + to_string(shape);
      if (!is_random(entry.name)) {
        EXPECT_NEAR(test::sample_moments(w).variance, *promised, 1e-6 * (*promised + 1e-3)) << what;
      } else if (entry.name == "uniform") {  // its default U[0, 1) has mean 1/2
        std::vector<float> centred = w;
        for (float& v : centred) v -= 0.5f;
        test::expect_variance(centred, *promised, kurtosis_of(entry.name), what);
      } else {
        test::expect_variance(w, *promised, kurtosis_of(entry.name), what);
      }
    }
}

// The variances of torch.nn.init, worked out from its formulas, not from ours.
TEST(Catalog, VariancesAreThoseOfTheFormulas) {
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
  EXPECT_DOUBLE_EQ(variance("variance_scaling:scale=4,mode=fan_avg"), 8.0 / (144 + 288));
  EXPECT_DOUBLE_EQ(variance("normal:std=0.01"), 1e-4);
  EXPECT_DOUBLE_EQ(variance("uniform:a=-1,b=1"), 4.0 / 12);
  EXPECT_DOUBLE_EQ(variance("orthogonal:gain=2"), 4.0 / 144);
}

TEST(Catalog, DrawsFollowTheirDistributions) {
  const WeightShape shape = WeightShape::linear(100, 100);
  const auto draws = [&](const char* spec) {
    const std::vector<float> w = draw(*make_initializer(spec), shape, 5, spec);
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

// A weight's values depend on its shape in a file, not on its layout in memory: entry i of the OIHW order is draw i.
TEST(Catalog, ElementIDrawsIndexI) {
  const WeightShape shape = WeightShape::conv(3, 4, 6, 2);
  const std::vector<float> w = draw(*make_initializer("normal"), shape, 9, "x");
  const Rng rng = Rng::stream(9, "init/x");
  for_each_element(
      shape, [&](std::size_t hwio, std::size_t oihw) { EXPECT_EQ(w[hwio], static_cast<float>(rng.normal(oihw))); });
}

TEST(Catalog, BadSpecsAreRefused) {
  for (const char* spec :
       {"", "kaiming", "kaiming_normal:a", "kaiming_normal:b=1", "kaiming_normal:mode=fan", "normal:std=-1",
        "normal:std=nan", "uniform:a=2,b=1", "xavier_normal:gain=0", "orthogonal:gain=-1", "dirac:groups=0",
        "dirac:groups=1.5", "variance_scaling:scale=0", "zeros:value=1", "constant:value=inf"})
    EXPECT_THROW(make_initializer(spec), Error) << spec;
}

TEST(Catalog, ThePageNamesEveryInitializer) {
  std::ifstream file(FANIN_SOURCE_DIR "/docs/initializers.md");
  std::stringstream page;
  page << file.rdbuf();
  for (const InitializerEntry& entry : initializer_catalog())
    EXPECT_NE(page.str().find("| `" + entry.name + "` |"), std::string::npos) << entry.name;
}

}  // namespace
}  // namespace fanin
