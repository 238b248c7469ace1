// SPDX-License-Identifier: MIT
#include "init/constant.h"

#include "core/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

class Constant : public Initializer {
 public:
  explicit Constant(double value) : value_(value) {}
  std::string describe() const override { return fmt::format("constant {}", value_); }
  std::optional<double> variance(const WeightShape&) const override { return 0.0; }
  bool centred(const WeightShape&) const override { return value_ == 0.0; }
  void fill(const WeightShape&, std::span<float> weights, Draws&) const override {
    std::fill(weights.begin(), weights.end(), static_cast<float>(value_));
  }

 private:
  const double value_;
};

}  // namespace

InitializerPtr constant(double value) {
  FANIN_CHECK(std::isfinite(value), usage, "constant {}; it must be a finite number", value);
  return std::make_shared<Constant>(value);
}

}  // namespace fanin
