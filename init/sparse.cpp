// SPDX-License-Identifier: MIT
#include "init/sparse.h"

#include "core/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

class Sparse : public Initializer {
 public:
  Sparse(double sparsity, double std) : sparsity_(sparsity), std_(std) {}
  std::string describe() const override {
    return fmt::format("sparse, {} of each input's weights 0, others normal, std {}", sparsity_, std_);
  }

  bool centred(const WeightShape&) const override { return true; }
  std::optional<double> variance(const WeightShape& shape) const override {
    return std_ * std_ * static_cast<double>(rows(shape) - zeros(shape)) / static_cast<double>(rows(shape));
  }

  double kurtosis(const WeightShape& shape) const override {
    return 3.0 * static_cast<double>(rows(shape)) /
           static_cast<double>(std::max<std::size_t>(1, rows(shape) - zeros(shape)));
  }

  void fill(const WeightShape& shape, std::span<float> weights, Draws& draws) const override {
    FANIN_CHECK(shape.rank == 2, shape, "sparse is for weights of 2 dimensions, not {}; use normal for a convolution",
                to_string(shape));
    draws.normal(weights, 0.0, std_);
    for (std::size_t column = 0; column < columns(shape); ++column) {
      const std::vector<std::uint32_t> order = draws.permutation(static_cast<std::uint32_t>(rows(shape)));
      for (std::size_t i = 0; i < zeros(shape); ++i) weights[order[i] * columns(shape) + column] = 0.0f;
    }
  }

  std::optional<Property> property(const WeightShape& shape, std::span<const float> weights) const override {
    double largest = 0.0;
    for (std::size_t column = 0; column < columns(shape); ++column) {
      std::size_t found = 0;
      for (std::size_t row = 0; row < rows(shape); ++row) found += weights[row * columns(shape) + column] == 0.0f;
      largest = std::max(largest, std::fabs(static_cast<double>(found) - static_cast<double>(zeros(shape))));
    }
    return Property{fmt::format("{} zeros in each column", zeros(shape)), largest, 0.0};
  }

 private:
  static std::size_t rows(const WeightShape& shape) { return static_cast<std::size_t>(shape.out_channels()); }
  static std::size_t columns(const WeightShape& shape) { return static_cast<std::size_t>(shape.in_per_group); }
  std::size_t zeros(const WeightShape& shape) const {
    return static_cast<std::size_t>(std::ceil(sparsity_ * static_cast<double>(rows(shape))));
  }
  const double sparsity_, std_;
};

}  // namespace

InitializerPtr sparse(double sparsity, double std) {
  FANIN_CHECK(sparsity >= 0.0 && sparsity <= 1.0, usage, "sparse with sparsity {}; give 0 to 1", sparsity);
  FANIN_CHECK(std >= 0.0 && std::isfinite(std), usage, "sparse with std {}; it must be at least 0", std);
  return std::make_shared<Sparse>(sparsity, std);
}

}  // namespace fanin
