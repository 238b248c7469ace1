// SPDX-License-Identifier: MIT
#include "init/zero_hadamard.h"

#include "core/check.h"
#include "init/centre_tap.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace fanin {

namespace {

class ZeroHadamard : public Initializer {
 public:
  std::string describe() const override { return "partial identity or Hadamard matrix"; }

  std::optional<double> variance(const WeightShape& shape) const override {
    double mean = 0.0, square = 0.0;
    for (int o = 0; o < shape.out_per_group; ++o)
      for (int i = 0; i < shape.in_per_group; ++i) {
        mean += entry(shape, o, i);
        square += entry(shape, o, i) * entry(shape, o, i);
      }
    const double n = static_cast<double>(shape.out_per_group) * shape.in_per_group * shape.taps();
    return square / n - mean * mean / (n * n);
  }

  void fill(const WeightShape& shape, std::span<float> weights, Draws&) const override {
    FANIN_CHECK(shape.rank >= 2, shape, "zero_hadamard needs a weight of at least 2 dimensions, not {}; use zeros",
                to_string(shape));
    std::fill(weights.begin(), weights.end(), 0.0f);
    for (int o = 0; o < shape.out_channels(); ++o)
      for (int i = 0; i < shape.in_per_group; ++i)
        weights[centre_tap(shape, o, i)] = static_cast<float>(entry(shape, o % shape.out_per_group, i));
  }

  std::optional<Property> property(const WeightShape& shape, std::span<const float> weights) const override {
    double largest = 0.0, centre = 0.0, all = 0.0;
    for (int o = 0; o < shape.out_channels(); ++o)
      for (int i = 0; i < shape.in_per_group; ++i) {
        const float w = weights[centre_tap(shape, o, i)],
                    expected = static_cast<float>(entry(shape, o % shape.out_per_group, i));
        largest = std::max(largest, std::fabs(static_cast<double>(w) - static_cast<double>(expected)));
        centre += std::fabs(static_cast<double>(w));
      }
    for (const float w : weights) all += std::fabs(static_cast<double>(w));
    return Property{"the centre tap is ZerO's matrix, the others 0", std::max(largest, all - centre), 1e-9};
  }

 private:
  // Sylvester's H has (-1)^(number of ones that the binary row and column share).
  static double entry(const WeightShape& shape, int row, int column) {
    if (shape.out_per_group <= shape.in_per_group) return row == column ? 1.0 : 0.0;
    const int m = std::bit_width(static_cast<unsigned>(shape.out_per_group - 1));
    const int shared = std::popcount(static_cast<unsigned>(row & column));
    return (shared % 2 == 0 ? 1.0 : -1.0) * std::exp2(-0.5 * (m - 1));
  }
};

}  // namespace

InitializerPtr zero_hadamard() { return std::make_shared<ZeroHadamard>(); }

}  // namespace fanin
