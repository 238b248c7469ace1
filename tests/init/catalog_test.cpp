// Every row of the catalog is held to its promise, on shapes that include groups, 1x1 kernels and linear layers.
// SPDX-License-Identifier: MIT
#include "init/catalog.h"

#include "core/check.h"
#include "tests/support/distribution.h"
#include "tests/support/weights.h"

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

using test::weights_of;

bool serves(const std::string& name, const WeightShape& shape) {
  if (name == "dirac") return shape.rank == 4;
  return shape.rank == 2 || (name != "eye" && name != "sparse");
}
bool is_random(const std::string& name) {
  return name != "constant" && name != "zeros" && name != "ones" && name != "dirac" && name != "eye";
}

TEST(Catalog, EveryRowFillsEveryShapeReproducibly) {
  for (const InitializerEntry& entry : initializer_catalog())
    for (const WeightShape& shape : kShapes) {
      if (!serves(entry.name, shape)) continue;
      const InitializerPtr initializer = make_initializer(entry.name);
      const std::vector<float> a = weights_of(*initializer, shape, 1, "a");
      for (const float v : a) ASSERT_TRUE(std::isfinite(v)) << entry.name << " " << to_string(shape);
      EXPECT_EQ(a, weights_of(*initializer, shape, 1, "a")) << entry.name;
      EXPECT_EQ(a != weights_of(*initializer, shape, 2, "a"), is_random(entry.name)) << entry.name << ": another seed";
      EXPECT_EQ(a != weights_of(*initializer, shape, 1, "b"), is_random(entry.name)) << entry.name << ": another name";
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
      const std::vector<float> w = weights_of(*initializer, shape, 3, to_string(shape));
      const std::string what = entry.name + " " + to_string(shape);
      if (!is_random(entry.name)) {
        EXPECT_NEAR(test::sample_moments(w).variance, *promised, 1e-6 * (*promised + 1e-3)) << what;
        continue;
      }
      const std::optional<Distribution> law = initializer->distribution(shape);
      std::vector<float> centred = w;  // the default of `uniform`, U[0, 1), has mean 1/2
      for (float& v : centred) v -= law ? static_cast<float>(law->mean()) : 0.0f;
      test::expect_variance(centred, *promised, initializer->kurtosis(shape), what);
    }
}

TEST(Catalog, EveryRowHasItsDistributionOrItsProperty) {
  for (const InitializerEntry& entry : initializer_catalog())
    for (const WeightShape& shape : kShapes) {
      if (!serves(entry.name, shape)) continue;
      const InitializerPtr initializer = make_initializer(entry.name);
      const std::vector<float> w = weights_of(*initializer, shape, 6, to_string(shape));
      const std::string what = entry.name + " " + to_string(shape);
      if (const std::optional<Distribution> law = initializer->distribution(shape))
        test::expect_distribution(
            {w.begin(), w.end()}, [&](double x) { return law->cdf(x); }, what);
      if (const std::optional<Property> property = initializer->property(shape, w)) {
        EXPECT_LE(property->deviation, property->bound) << what << ": " << property->claim;
        std::vector<float> broken = w;
        broken[1] += 0.5f;
        EXPECT_FALSE(initializer->property(shape, broken)->holds()) << what << ": a broken weight went unnoticed";
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
  EXPECT_DOUBLE_EQ(variance("kaiming_normal:groups=ignored"), 2.0 / (64 * 9));
  EXPECT_DOUBLE_EQ(variance("kaiming_normal:nonlinearity=selu"), 0.5625 / 144);
  EXPECT_NEAR(variance("kaiming_normal:nonlinearity=relu,gain=exact"), 2.0 / 144, 1e-15);
  EXPECT_NEAR(variance("kaiming_normal:nonlinearity=gelu"), 1.0 / 0.425217 / 144, 1e-6);  // E gelu(z)^2
  EXPECT_NEAR(variance("trunc_normal"), 0.87962566103423978 * 0.87962566103423978, 1e-12);
  EXPECT_DOUBLE_EQ(variance("variance_scaling:scale=4,mode=fan_avg"), 8.0 / (144 + 288));
  EXPECT_DOUBLE_EQ(variance("normal:std=0.01"), 1e-4);
  EXPECT_DOUBLE_EQ(variance("uniform:a=-1,b=1"), 4.0 / 12);
  EXPECT_DOUBLE_EQ(variance("orthogonal:gain=2"), 4.0 / 144);
}

TEST(Catalog, DrawsFollowTheirDistributions) {
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

// A weight's values depend on its shape in a file, not on its layout in memory: entry i of the OIHW order is draw i.
TEST(Catalog, ElementIDrawsIndexI) {
  const WeightShape shape = WeightShape::conv(3, 4, 6, 2);
  const std::vector<float> w = weights_of(*make_initializer("normal"), shape, 9, "x");
  const Rng rng = Rng::stream(9, "init/x");
  for (std::size_t i = 0; i < w.size(); ++i) EXPECT_EQ(w[i], static_cast<float>(rng.normal(i)));
}

TEST(Catalog, BadSpecsAreRefused) {
  for (const char* spec : {"",
                           "kaiming",
                           "kaiming_normal:a",
                           "kaiming_normal:b=1",
                           "kaiming_normal:mode=fan",
                           "normal:std=-1",
                           "normal:std=nan",
                           "uniform:a=2,b=1",
                           "xavier_normal:gain=0",
                           "orthogonal:gain=-1",
                           "dirac:groups=0",
                           "dirac:groups=1.5",
                           "variance_scaling:scale=0",
                           "zeros:value=1",
                           "constant:value=inf",
                           "trunc_normal:a=2,b=1",
                           "trunc_normal:std=0",
                           "sparse:sparsity=1.5",
                           "kaiming_normal:gain=2",
                           "kaiming_normal:nonlinearity=swishy"})
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
