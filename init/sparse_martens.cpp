// SPDX-License-Identifier: MIT
#include "init/sparse_martens.h"

#include "core/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

class SparseMartens : public Initializer {
 public:
  SparseMartens(int count, double std) : count_(count), std_(std) {}
  std::string describe() const override {
    return fmt::format("{} random inputs a unit, normal, std {}; others 0", count_, std_);
  }

  std::optional<double> variance(const WeightShape& shape) const override { return std_ * std_ * share(shape); }
  double kurtosis(const WeightShape& shape) const override { return 3.0 / share(shape); }

  void fill(const WeightShape& shape, std::span<float> weights, Draws& draws) const override {
    FANIN_CHECK(shape.rank >= 2, shape, "sparse_martens needs a weight of at least 2 dimensions, not {}; use zeros",
                to_string(shape));
    std::fill(weights.begin(), weights.end(), 0.0f);
    std::vector<float> chosen(used(shape));
    for (std::size_t unit = 0; unit < weights.size(); unit += inputs(shape)) {
      const std::vector<std::uint32_t> order = draws.permutation(static_cast<std::uint32_t>(inputs(shape)));
      draws.normal(chosen, 0.0, std_);
      for (std::size_t i = 0; i < chosen.size(); ++i) weights[unit + order[i]] = chosen[i];
    }
  }

  std::optional<Property> property(const WeightShape& shape, std::span<const float> weights) const override {
    if (used(shape) == inputs(shape)) return std::nullopt;  // dense: nothing is left out
    double largest = 0.0;
    for (std::size_t unit = 0; unit < weights.size(); unit += inputs(shape)) {
      std::size_t found = 0;
      for (std::size_t i = 0; i < inputs(shape); ++i) found += weights[unit + i] != 0.0f;
      largest = std::max(largest, std::fabs(static_cast<double>(found) - static_cast<double>(used(shape))));
    }
    return Property{fmt::format("{} inputs of each unit", used(shape)), largest, 0.0};
  }

 private:
  static std::size_t inputs(const WeightShape& shape) {  // consecutive in file order
    return static_cast<std::size_t>(shape.in_per_group) * static_cast<std::size_t>(shape.taps());
  }
  std::size_t used(const WeightShape& shape) const { return std::min(inputs(shape), static_cast<std::size_t>(count_)); }
  double share(const WeightShape& shape) const {
    return static_cast<double>(used(shape)) / static_cast<double>(inputs(shape));
  }
  const int count_;
  const double std_;
};

}  // namespace

InitializerPtr sparse_martens(int count, double std) {
  FANIN_CHECK(count >= 1, usage, "sparse_martens with {} inputs a unit; give at least 1", count);
  FANIN_CHECK(std > 0.0 && std::isfinite(std), usage, "sparse_martens with std {}; it must be above 0", std);
  return std::make_shared<SparseMartens>(count, std);
}

}  // namespace fanin
