// SPDX-License-Identifier: MIT
#include "init/eye.h"

#include "core/check.h"

#include <algorithm>

namespace fanin {

namespace {

class Eye : public Initializer {
 public:
  std::string describe() const override { return "identity matrix"; }

  std::optional<double> variance(const WeightShape& shape) const override {
    const double p = static_cast<double>(diagonal(shape)) / static_cast<double>(shape.size());
    return p * (1.0 - p);
  }

  void fill(const WeightShape& shape, std::span<float> weights, Draws&) const override {
    FANIN_CHECK(shape.rank == 2, shape, "eye is for weights of 2 dimensions, not {}; for a convolution use dirac",
                to_string(shape));
    std::fill(weights.begin(), weights.end(), 0.0f);
    const std::size_t columns = static_cast<std::size_t>(shape.in_per_group);
    for (std::size_t d = 0; d < diagonal(shape); ++d) weights[d * columns + d] = 1.0f;
  }

 private:
  static std::size_t diagonal(const WeightShape& shape) {
    return static_cast<std::size_t>(std::min(shape.out_channels(), shape.in_per_group));
  }
};

}  // namespace

InitializerPtr eye() { return std::make_shared<Eye>(); }

}  // namespace fanin
