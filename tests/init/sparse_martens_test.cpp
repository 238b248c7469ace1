// Each unit has `count` inputs, and what it receives does not depend on the width.
// SPDX-License-Identifier: MIT
#include "init/sparse_martens.h"

#include "tests/support/weights.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

TEST(SparseMartens, EachUnitHasCountInputs) {
  for (const auto& [shape, expected] :
       {std::pair{WeightShape::linear(100, 7), 15}, std::pair{WeightShape::linear(10, 7), 10},
        std::pair{WeightShape::conv(3, 8, 6, 2), 15}}) {
    const std::vector<float> w = test::weights_of(*sparse_martens(15, 1.0), shape);
    const std::size_t inputs = w.size() / static_cast<std::size_t>(shape.out_channels());
    for (std::size_t unit = 0; unit < w.size(); unit += inputs)
      EXPECT_EQ(
          std::count_if(w.begin() + static_cast<std::ptrdiff_t>(unit),
                        w.begin() + static_cast<std::ptrdiff_t>(unit + inputs), [](float v) { return v != 0.0f; }),
          expected)
          << to_string(shape);
  }
}

// A sum of 15 squares of N(0, 1) over 400 units: mean 15, deviation sqrt(2 * 15 / 400) = 0.27.
TEST(SparseMartens, TheInputOfAUnitIsTheSameAtAnyWidth) {
  for (const int width : {20, 200, 2000}) {
    double square = 0.0;
    for (const float v : test::weights_of(*sparse_martens(15, 1.0), WeightShape::linear(width, 400)))
      square += static_cast<double>(v) * static_cast<double>(v) / 400.0;
    EXPECT_NEAR(square, 15.0, 5.0 * 0.274) << width;
  }
}

// Every input is chosen about equally often: binomial over 2000 units, 15 of 30 each.
TEST(SparseMartens, InputsAreChosenAtRandom) {
  const std::vector<float> w = test::weights_of(*sparse_martens(15, 1.0), WeightShape::linear(30, 2000));
  for (std::size_t input = 0; input < 30; ++input) {
    int chosen = 0;
    for (std::size_t unit = 0; unit < 2000; ++unit) chosen += w[unit * 30 + input] != 0.0f;
    EXPECT_NEAR(chosen, 1000, 5.0 * std::sqrt(2000 * 0.25)) << input;
  }
}

}  // namespace
}  // namespace fanin
