// SPDX-License-Identifier: MIT
#include "init/dirac.h"

#include "core/check.h"

#include <fmt/format.h>

#include <algorithm>

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

  void fill(const WeightShape& shape, std::span<float> weights, const Rng&) const override {
    FANIN_CHECK(shape.rank == 4, shape,
                "dirac is for convolutions, not for a weight {}; use another initializer for this role",
                to_string(shape));
    const int out = shape.out_channels();
    FANIN_CHECK(out % groups_ == 0, shape,
                "dirac with {} groups, but {} output channels; the first must divide the second", groups_, out);
    std::fill(weights.begin(), weights.end(), 0.0f);
    const int centre = shape.kernel_height / 2 * shape.kernel_width + shape.kernel_width / 2;
    for (int g = 0; g < groups_; ++g)
      for (int d = 0; d < ones_per_group(shape); ++d)
        weights[static_cast<std::size_t>((centre * shape.in_per_group + d) * out + g * (out / groups_) + d)] = 1.0f;
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
