// A delta-orthogonal convolution keeps norms as a convolution; a flattened orthogonal kernel does not.
// SPDX-License-Identifier: MIT
#include "init/delta_orthogonal.h"

#include "core/check.h"
#include "init/orthogonal.h"
#include "init/scheme.h"
#include "layers/conv.h"
#include "tests/support/error_of.h"
#include "tests/support/weights.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

double norm(ConstView v) {
  double square = 0.0;
  for (std::size_t p = 0; p < v.shape.pixels(); ++p)
    for (int c = 0; c < v.shape.channels; ++c)
      square += static_cast<double>(v.pixel(p)[c]) * static_cast<double>(v.pixel(p)[c]);
  return std::sqrt(square);
}

// |W * x| / |x| of one 3x3 convolution with zero padding.
double growth(InitializerPtr initializer, int in, int out, int groups) {
  Network net({0, 6, 6, in});
  const Node y = conv(net, "conv", net.input(), {.out_channels = out, .kernel = 3, .groups = groups});
  net.prepare(y, 2);
  by_rules("test", {{"conv", initializer}})->apply(net, {}, 1);
  Tensor x({2, 6, 6, in});
  const Rng rng = Rng::stream(1, "x");
  for (std::size_t i = 0; i < x.shape().size(); ++i) x.view().data[i] = static_cast<float>(rng.normal(i));
  return norm(net.forward(x.view(), Mode::evaluate)) / norm(x.view());
}

// Weights are rounded to float once, products and the sum of `in` terms each: at most (in + 2) roundings of 2^-24 on a
// term, and terms add up to at most sqrt(in) times a unit (Cauchy-Schwarz).
TEST(DeltaOrthogonal, KeepsNormsAsAConvolution) {
  for (const auto& [in, out, groups] : {std::tuple{8, 8, 1}, std::tuple{3, 16, 1}, std::tuple{16, 32, 4}})
    for (const double gain : {1.0, 1.5})
      EXPECT_NEAR(growth(delta_orthogonal(gain), in, out, groups) / gain, 1.0, (in + 2) * std::sqrt(in) * 0x1p-24);
  // An orthogonal flattened kernel is no isometry: it mixes neighbours, and loses what falls over the edge.
  EXPECT_GT(std::fabs(growth(orthogonal(1.0), 8, 8, 1) - 1.0), 0.05);
}

TEST(DeltaOrthogonal, LinearLayersAreOrthogonal) {
  for (const WeightShape& shape : {WeightShape::linear(20, 7), WeightShape::linear(7, 20)})
    EXPECT_EQ(test::weights_of(*delta_orthogonal(2.0), shape), test::weights_of(*orthogonal(2.0), shape));
}

TEST(DeltaOrthogonal, MoreInputsThanOutputsAreRefused) {
  EXPECT_EQ(test::error_of([] { test::weights_of(*delta_orthogonal(1.0), WeightShape::conv(3, 16, 8, 1)); }),
            "delta_orthogonal cannot keep norms from 16 to 8 channels; give this weight another initializer, such as "
            "orthogonal");
  EXPECT_THROW(delta_orthogonal(0.0), Error);
}

}  // namespace
}  // namespace fanin
