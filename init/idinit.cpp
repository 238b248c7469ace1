// SPDX-License-Identifier: MIT
#include "init/idinit.h"

#include "core/check.h"
#include "init/centre_tap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

class IdInit : public Initializer {
 public:
  explicit IdInit(double tau) : tau_(tau) {}
  std::string describe() const override { return fmt::format("repeated identity times {}", tau_); }

  std::optional<double> variance(const WeightShape& shape) const override {
    const double entries = static_cast<double>(shape.out_per_group) * shape.in_per_group * shape.taps();
    const double p = std::max(shape.out_per_group, shape.in_per_group) / entries;
    return tau_ * tau_ * p * (1.0 - p);
  }

  void fill(const WeightShape& shape, std::span<float> weights, Draws&) const override {
    FANIN_CHECK(shape.rank >= 2, shape, "idinit needs a weight of at least 2 dimensions, not {}; use zeros",
                to_string(shape));
    std::fill(weights.begin(), weights.end(), 0.0f);
    for (int o = 0; o < shape.out_channels(); ++o)
      for (int i = 0; i < shape.in_per_group; ++i)
        if (passes(shape, o % shape.out_per_group, i)) weights[centre_tap(shape, o, i)] = static_cast<float>(tau_);
  }

  // One non-zero in each column of a wide matrix, or in each row of a tall one, of a group.
  std::optional<Property> property(const WeightShape& shape, std::span<const float> weights) const override {
    double largest = 0.0;
    std::vector<double> expected(weights.size(), 0.0);
    for (int o = 0; o < shape.out_channels(); ++o)
      for (int i = 0; i < shape.in_per_group; ++i)
        if (passes(shape, o % shape.out_per_group, i)) expected[centre_tap(shape, o, i)] = tau_;
    for (std::size_t k = 0; k < weights.size(); ++k)
      largest = std::max(largest, std::fabs(static_cast<double>(weights[k]) - expected[k]) / tau_);
    return Property{"an identity, repeated, at the centre tap", largest, 0x1p-24};
  }

 private:
  static bool passes(const WeightShape& shape, int out, int in) {
    return shape.out_per_group <= shape.in_per_group ? in % shape.out_per_group == out : out % shape.in_per_group == in;
  }
  const double tau_;
};

}  // namespace

InitializerPtr idinit(double tau) {
  FANIN_CHECK(tau > 0.0 && std::isfinite(tau), usage, "idinit with tau {}; it must be above 0", tau);
  return std::make_shared<IdInit>(tau);
}

}  // namespace fanin
