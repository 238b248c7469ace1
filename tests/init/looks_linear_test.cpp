// A ReLU network that looks linear at birth: it is.
// SPDX-License-Identifier: MIT
#include "init/looks_linear.h"

#include "init/catalog.h"
#include "models/catalog.h"
#include "tests/support/error_of.h"
#include "tests/support/weights.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

std::vector<double> logits(Model& model, double a, double b) {
  Tensor x({1, 8, 8, 3});
  const Rng first = Rng::stream(1, "first"), second = Rng::stream(1, "second");
  for (std::size_t i = 0; i < x.shape().size(); ++i)
    x.view().data[i] = static_cast<float>(a * first.normal(i) + b * second.normal(i));
  const ConstView y = model.network.forward(x.view(), Mode::evaluate);
  return {y.data, y.data + 10};
}

double size_of(const std::vector<double>& v) {
  double square = 0.0;
  for (const double x : v) square += x * x;
  return std::sqrt(square);
}

// f(a x + b y) - a f(x) - b f(y), relative to its terms. 2^-24 for each of 20 layers of sums of at most 200 terms.
double nonlinearity(const char* spec, const char* scheme) {
  Model model = build_model(spec, {1, 8, 8, 3}, 10);
  model.network.prepare(model.logits, 1);
  make_scheme(scheme)->apply(model.network, {}, 1);
  const std::vector<double> x = logits(model, 1, 0), y = logits(model, 0, 1), both = logits(model, 2, -3);
  std::vector<double> off(10);
  for (std::size_t k = 0; k < 10; ++k) off[k] = both[k] - 2 * x[k] + 3 * y[k];
  return size_of(off) / (2 * size_of(x) + 3 * size_of(y));
}

TEST(LooksLinear, ReluNetworksAreLinearAtBirth) {
  constexpr double bound = 20 * 200 * 0x1p-24;
  EXPECT_LT(
      nonlinearity("mlp-20-32", "looks_linear;fc0.weight=looks_linear:part=first;fc.weight=looks_linear:part=last"),
      bound);
  EXPECT_LT(
      nonlinearity("plain-12-16", "looks_linear;conv0.weight=looks_linear:part=first;fc.weight=looks_linear:part=last"),
      bound);
  EXPECT_GT(nonlinearity("mlp-20-32", "orthogonal:gain=1.414"), 0.05) << "any other network is not";
}

TEST(LooksLinear, PairsAreMirrored) {
  const std::vector<float> w = test::weights_of(*looks_linear(MirrorPart::hidden, 1.0), WeightShape::linear(4, 4));
  for (std::size_t o = 0; o < 2; ++o)
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(w[o * 4 + i], -w[o * 4 + i + 2]);
      EXPECT_EQ(w[o * 4 + i], -w[(o + 2) * 4 + i]);
      EXPECT_EQ(w[o * 4 + i], w[(o + 2) * 4 + i + 2]);
    }
}

TEST(LooksLinear, OddChannelsAreRefused) {
  EXPECT_EQ(
      test::error_of([] { test::weights_of(*looks_linear(MirrorPart::hidden, 1.0), WeightShape::conv(3, 3, 16, 1)); }),
      "looks_linear cannot pair 3 inputs and 16 outputs of a group; part=first leaves the inputs unpaired, "
      "part=last the outputs");
}

}  // namespace
}  // namespace fanin
