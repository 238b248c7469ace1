// SPDX-License-Identifier: MIT
#include "init/orthogonal.h"

#include "core/check.h"
#include "tests/support/distribution.h"
#include "tests/support/weights.h"

namespace fanin {
namespace {

// The weight in file order as rows (out) x columns (in * taps).
std::vector<double> rows_of(const WeightShape& shape, double gain, std::uint64_t seed) {
  const std::vector<float> w = test::weights_of(*orthogonal(gain), shape, seed);
  return {w.begin(), w.end()};
}

// Entries are rounded to float once, so each is off by at most 2^-25 of gain; a product of two unit vectors of n
// entries by 2 sqrt(n) of that, since |entry| summed over a unit vector is at most sqrt(n).
TEST(Orthogonal, RowsOrColumnsAreOrthonormalTimesGain) {
  for (const WeightShape& shape :
       {WeightShape::linear(20, 7), WeightShape::linear(7, 20), WeightShape::conv(3, 4, 16, 1),
        WeightShape::conv(3, 16, 4, 1), WeightShape::conv(3, 8, 8, 4)})
    for (const double gain : {1.0, 1.5}) {
      const std::vector<double> a = rows_of(shape, gain, 1);
      const std::size_t rows = static_cast<std::size_t>(shape.out_channels()), columns = a.size() / rows,
                        few = std::min(rows, columns), many = std::max(rows, columns);
      const auto entry = [&](std::size_t vector, std::size_t k) {
        return rows <= columns ? a[vector * columns + k] : a[k * columns + vector];
      };
      for (std::size_t i = 0; i < few; ++i)
        for (std::size_t j = 0; j < few; ++j) {
          double product = 0.0;
          for (std::size_t k = 0; k < many; ++k) product += entry(i, k) * entry(j, k);
          EXPECT_NEAR(product, i == j ? gain * gain : 0.0,
                      gain * gain * 2.0 * std::sqrt(static_cast<double>(many)) * 0x1p-24)
              << to_string(shape) << " " << i << " " << j;
        }
    }
}

// Haar measure: the first entry of a 2x2 rotation or reflection is cos of a uniform angle; without the sign correction
// it would never be positive in Householder's QR.
TEST(Orthogonal, SignsAreBalanced) {
  int positive = 0;
  constexpr int n = 400;
  for (std::uint64_t seed = 0; seed < n; ++seed) positive += rows_of(WeightShape::linear(2, 2), 1.0, seed)[0] > 0.0;
  EXPECT_NEAR(positive, n / 2, 5.0 * std::sqrt(n) / 2.0);  // five binomial deviations
}

TEST(Orthogonal, NeedsAMatrix) {
  EXPECT_THROW(test::weights_of(*orthogonal(1.0), WeightShape::vector(4)), Error);
  EXPECT_THROW(orthogonal(0.0), Error);
}

}  // namespace
}  // namespace fanin
