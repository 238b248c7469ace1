// SPDX-License-Identifier: MIT
#include "init/dirac.h"

#include "core/check.h"
#include "init/centre_tap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

class Dirac : public Initializer {
 public:
  explicit Dirac(int groups) : groups_(groups) {}
  std::string describe() const override { return groups_ == 1 ? "dirac" : fmt::format("dirac, {} groups", groups_); }

  // p of all elements are 1: variance p (1 - p).
  std::optional<double> variance(const WeightShape& shape) const override {
    const double p = static_cast<double>(groups_) * ones_per_group(shape) / static_cast<double>(shape.size());
    return p * (1.0 - p);
  }

  void fill(const WeightShape& shape, std::span<float> weights, Draws&) const override {
    FANIN_CHECK(shape.rank == 4, shape,
                "dirac is for convolutions, not for a weight {}; use another initializer for this role",
                to_string(shape));
    const int out = shape.out_channels();
    FANIN_CHECK(out % groups_ == 0, shape,
                "dirac with {} groups, but {} output channels; the first must divide the second", groups_, out);
    std::fill(weights.begin(), weights.end(), 0.0f);
    for (int g = 0; g < groups_; ++g)
      for (int d = 0; d < ones_per_group(shape); ++d) weights[centre_tap(shape, g * (out / groups_) + d, d)] = 1.0f;
  }

  std::optional<Property> property(const WeightShape& shape, std::span<const float> weights) const override {
    double largest = 0.0;
    const int out = shape.out_channels() / groups_;
    for (int o = 0; o < shape.out_channels(); ++o)
      for (int i = 0; i < shape.in_per_group; ++i)
        for (int t = 0; t < shape.taps(); ++t) {
          const std::size_t index = static_cast<std::size_t>((o * shape.in_per_group + i) * shape.taps() + t);
          const double expected = i == o % out && index == centre_tap(shape, o, i) ? 1.0 : 0.0;
          largest = std::max(largest, std::fabs(static_cast<double>(weights[index]) - expected));
        }
    return Property{"passes each group's first channels through unchanged", largest, 0.0};
  }

 private:
  int ones_per_group(const WeightShape& shape) const {
    return std::min(shape.out_channels() / groups_, shape.in_per_group);
  }
  const int groups_;
};

}  // namespace

InitializerPtr dirac(int groups) {
  FANIN_CHECK(groups >= 1, usage, "dirac with {} groups; give at least 1", groups);
  return std::make_shared<Dirac>(groups);
}

}  // namespace fanin
