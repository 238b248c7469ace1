// SPDX-License-Identifier: MIT
#include "init/delta_orthogonal.h"

#include "core/check.h"
#include "init/centre_tap.h"
#include "init/orthogonal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

class DeltaOrthogonal : public Initializer {
 public:
  explicit DeltaOrthogonal(double gain) : gain_(gain), matrix_(orthogonal(gain)) {}
  std::string describe() const override {
    return gain_ == 1.0 ? "delta-orthogonal" : fmt::format("delta-orthogonal, gain {}", gain_);
  }

  // Each of the in / groups columns has length gain, in a group of out / groups rows, taps and columns.
  std::optional<double> variance(const WeightShape& shape) const override {
    if (shape.rank == 2) return matrix_->variance(shape);
    return gain_ * gain_ / (static_cast<double>(shape.taps()) * shape.out_per_group);
  }

  void fill(const WeightShape& shape, std::span<float> weights, Draws& draws) const override {
    if (shape.rank != 4) return matrix_->fill(shape, weights, draws);
    FANIN_CHECK(shape.in_per_group <= shape.out_per_group, shape,
                "delta_orthogonal cannot keep norms from {} to {} channels; give this weight another initializer, such "
                "as orthogonal",
                shape.in_per_group, shape.out_per_group);
    std::fill(weights.begin(), weights.end(), 0.0f);
    for (int g = 0; g < shape.groups; ++g) {
      const std::vector<double> q = orthogonal_matrix(shape.out_per_group, shape.in_per_group, draws);
      for (int o = 0; o < shape.out_per_group; ++o)
        for (int i = 0; i < shape.in_per_group; ++i)
          weights[centre_tap(shape, g * shape.out_per_group + o, i)] =
              static_cast<float>(gain_ * q[static_cast<std::size_t>(o * shape.in_per_group + i)]);
    }
  }

  std::optional<Property> property(const WeightShape& shape, std::span<const float> weights) const override {
    if (shape.rank != 4) return matrix_->property(shape, weights);
    double largest = 0.0;
    std::vector<float> rest(weights.begin(), weights.end());
    for (int g = 0; g < shape.groups; ++g) {
      std::vector<double> centre;
      for (int o = 0; o < shape.out_per_group; ++o)
        for (int i = 0; i < shape.in_per_group; ++i) {
          float& w = rest[centre_tap(shape, g * shape.out_per_group + o, i)];
          centre.push_back(static_cast<double>(w) / gain_);
          w = 0.0f;
        }
      largest = std::max(largest, orthonormality(centre, shape.out_per_group, shape.in_per_group));
    }
    for (const float v : rest) largest = std::max(largest, std::fabs(static_cast<double>(v)));
    return Property{"centre tap orthonormal times gain, the others 0", largest, kOrthonormalBound};
  }

 private:
  const double gain_;
  const InitializerPtr matrix_;
};

}  // namespace

InitializerPtr delta_orthogonal(double gain) {
  FANIN_CHECK(gain > 0.0 && std::isfinite(gain), usage, "delta_orthogonal with gain {}; it must be above 0", gain);
  return std::make_shared<DeltaOrthogonal>(gain);
}

}  // namespace fanin
