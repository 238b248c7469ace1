// Every row of the catalog is held to its promise, on shapes that include groups, 1x1 kernels and linear layers.
// SPDX-License-Identifier: MIT
#include "init/catalog.h"

#include "core/check.h"
#include "tests/support/distribution.h"
#include "tests/support/weights.h"

#include <fstream>
#include <functional>
#include <set>
#include <sstream>

namespace fanin {
namespace {

const WeightShape kShapes[] = {
    WeightShape::conv(3, 16, 32, 1), WeightShape::conv(3, 3, 16, 1),  WeightShape::conv(1, 64, 24, 1),
    WeightShape::conv(5, 8, 8, 1),   WeightShape::conv(3, 64, 64, 8), WeightShape::conv(3, 32, 64, 32),
    WeightShape::linear(640, 10),    WeightShape::linear(100, 300),
};

using test::weights_of;

// What a row cannot fill, and must refuse.
bool serves(const std::string& name, const WeightShape& shape) {
  if (name == "dirac") return shape.rank == 4;
  if (name == "eye" || name == "sparse") return shape.rank == 2;
  if (name == "delta_orthogonal") return shape.rank == 2 || shape.in_per_group <= shape.out_per_group;
  if (name == "looks_linear") return shape.in_per_group % 2 == 0 && shape.out_per_group % 2 == 0;
  return true;
}
bool is_random(const std::string& name) {
  static const std::set<std::string> fixed = {"constant", "zeros",         "ones",   "dirac",
                                              "eye",      "zero_hadamard", "idinit", "sinusoidal"};
  return !fixed.contains(name);
}

// Half a unit more, at a zero if there is one: structure is often where the zeros are.
std::vector<float> damaged(std::vector<float> w) {
  const auto zero = std::find(w.begin(), w.end(), 0.0f);
  (zero != w.end() ? *zero : w[1]) += 0.5f;
  return w;
}

TEST(Catalog, EveryRowFillsEveryShapeReproducibly) {
  for (const InitializerEntry& entry : initializer_catalog())
    for (const WeightShape& shape : kShapes) {
      const InitializerPtr initializer = make_initializer(entry.example);
      if (!serves(entry.name, shape)) {
        EXPECT_THROW(weights_of(*initializer, shape), Error) << entry.name << " " << to_string(shape);
        continue;
      }
      const std::vector<float> a = weights_of(*initializer, shape, 1, "a");
      for (const float v : a) ASSERT_TRUE(std::isfinite(v)) << entry.name << " " << to_string(shape);
      EXPECT_EQ(a, weights_of(*initializer, shape, 1, "a")) << entry.name;
      EXPECT_EQ(a != weights_of(*initializer, shape, 2, "a"), is_random(entry.name)) << entry.name << ": another seed";
      EXPECT_EQ(a != weights_of(*initializer, shape, 1, "b"), is_random(entry.name)) << entry.name << ": another name";
      EXPECT_FALSE(initializer->describe().empty());
      EXPECT_FALSE(entry.formula.empty() || entry.source.empty() || entry.claim.empty()) << entry.name;
    }
}

TEST(Catalog, EveryRowKeepsItsPromisedVariance) {
  for (const InitializerEntry& entry : initializer_catalog())
    for (const WeightShape& shape : kShapes) {
      if (!serves(entry.name, shape)) continue;
      const InitializerPtr initializer = make_initializer(entry.example);
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
      const InitializerPtr initializer = make_initializer(entry.example);
      const std::vector<float> w = weights_of(*initializer, shape, 6, to_string(shape));
      const std::string what = entry.name + " " + to_string(shape);
      if (const std::optional<Distribution> law = initializer->distribution(shape))
        test::expect_distribution(
            {w.begin(), w.end()}, [&](double x) { return law->cdf(x); }, what);
      if (const std::optional<Property> property = initializer->property(shape, w)) {
        EXPECT_LE(property->deviation, property->bound) << what << ": " << property->claim;
        EXPECT_FALSE(initializer->property(shape, damaged(w))->holds()) << what << ": a broken weight went unnoticed";
      }
    }
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
