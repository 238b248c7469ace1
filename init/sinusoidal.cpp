// SPDX-License-Identifier: MIT
#include "init/sinusoidal.h"

#include "core/check.h"
#include "init/fan.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fanin {

namespace {

class Sinusoidal : public Initializer {
 public:
  std::string describe() const override { return "sines over the inputs, variance 2 / (fan_in + outputs)"; }

  std::optional<double> variance(const WeightShape& shape) const override {
    const double count = static_cast<double>(shape.size());
    return unbiased(shape) * (count - 1.0) / count;
  }

  void fill(const WeightShape& shape, std::span<float> weights, Draws&) const override {
    FANIN_CHECK(shape.rank >= 2, shape, "sinusoidal needs a weight of at least 2 dimensions, not {}; use zeros",
                to_string(shape));
    FANIN_CHECK(weights.size() > 2, shape, "sinusoidal cannot give {} weights a variance; use another initializer",
                weights.size());
    std::vector<double> sines(weights.size());
    double mean = 0.0, square = 0.0;
    const double count = static_cast<double>(sines.size());
    for (std::size_t k = 0; k < sines.size(); ++k) {
      sines[k] = std::sin(2.0 * std::numbers::pi * turns(shape, k));
      mean += sines[k] / count;
    }
    for (const double v : sines) square += (v - mean) * (v - mean) / count;
    const double amplitude = std::sqrt(*variance(shape) / square);
    for (std::size_t k = 0; k < sines.size(); ++k) weights[k] = static_cast<float>(amplitude * sines[k]);
  }

  // Each of n terms is rounded to float, off by at most 2^-25 of the largest.
  std::optional<Property> property(const WeightShape& shape, std::span<const float> weights) const override {
    const std::size_t n = inputs(shape);
    double largest = 0.0, size = 0.0;
    for (std::size_t row = 0; row * n < weights.size(); ++row) {
      double sum = 0.0;
      for (std::size_t j = 0; j < n; ++j) {
        sum += static_cast<double>(weights[row * n + j]);
        size = std::max(size, std::fabs(static_cast<double>(weights[row * n + j])));
      }
      if ((row + 1) % n != 0) largest = std::max(largest, std::fabs(sum));
    }
    return Property{"the weights of each unit sum to 0", largest, static_cast<double>(n) * 0x1p-24 * size};
  }

 private:
  static double unbiased(const WeightShape& shape) { return 2.0 / (fan(shape).in + shape.out_channels()); }
  static std::size_t inputs(const WeightShape& shape) {
    return static_cast<std::size_t>(shape.in_per_group) * static_cast<std::size_t>(shape.taps());
  }
  // Whole turns are dropped before the sine, which would lose digits to them.
  static double turns(const WeightShape& shape, std::size_t k) {
    const std::size_t n = inputs(shape), i = k / n + 1, j = k % n;
    return static_cast<double>(i * j % n) / static_cast<double>(n) + static_cast<double>(i) / shape.out_channels();
  }
};

}  // namespace

InitializerPtr sinusoidal() { return std::make_shared<Sinusoidal>(); }

}  // namespace fanin
