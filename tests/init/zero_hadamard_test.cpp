// Against matrices written out, and the recursion that defines Hadamard's.
// SPDX-License-Identifier: MIT
#include "init/zero_hadamard.h"

#include "tests/support/weights.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

std::vector<std::vector<double>> hadamard(int m) {
  if (m == 0) return {{1.0}};
  const std::vector<std::vector<double>> half = hadamard(m - 1);
  const std::size_t n = half.size();
  std::vector<std::vector<double>> h(2 * n, std::vector<double>(2 * n));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      h[i][j] = h[i + n][j] = h[i][j + n] = half[i][j];
      h[i + n][j + n] = -half[i][j];
    }
  return h;
}

TEST(ZeroHadamard, WideIsAPartialIdentity) {
  EXPECT_EQ(test::weights_of(*zero_hadamard(), WeightShape::linear(3, 2)), (std::vector<float>{1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(test::weights_of(*zero_hadamard(), WeightShape::linear(2, 2)), (std::vector<float>{1, 0, 0, 1}));
}

TEST(ZeroHadamard, TallIsAPartOfAScaledHadamardMatrix) {
  for (const auto& [in, out, m] :
       {std::tuple{3, 4, 2}, std::tuple{3, 5, 3}, std::tuple{16, 32, 5}, std::tuple{1, 2, 1}}) {
    const std::vector<float> w = test::weights_of(*zero_hadamard(), WeightShape::linear(in, out));
    const std::vector<std::vector<double>> h = hadamard(m);
    for (std::size_t o = 0; o < static_cast<std::size_t>(out); ++o)
      for (std::size_t i = 0; i < static_cast<std::size_t>(in); ++i)
        EXPECT_EQ(w[o * static_cast<std::size_t>(in) + i], static_cast<float>(h[o][i] * std::exp2(-0.5 * (m - 1))));
  }
}

TEST(ZeroHadamard, AConvolutionHasItAtTheCentreOfEachGroup) {
  const std::vector<float> w = test::weights_of(*zero_hadamard(), WeightShape::conv(3, 4, 4, 2));
  for (std::size_t k = 0; k < w.size(); ++k) {
    const std::size_t tap = k % 9, in = k / 9 % 2, out = k / 18;
    EXPECT_EQ(w[k], tap == 4 && in == out % 2 ? 1.0f : 0.0f) << k;
  }
}

}  // namespace
}  // namespace fanin
