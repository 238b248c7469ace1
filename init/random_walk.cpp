// SPDX-License-Identifier: MIT
#include "init/random_walk.h"

#include "core/check.h"
#include "init/fan.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fanin {

namespace {

class RandomWalk : public IndependentInitializer {
 public:
  explicit RandomWalk(WalkThrough activation) : activation_(activation) {}
  std::string describe() const override {
    return activation_ == WalkThrough::relu ? "normal, random-walk gain of relu" : "normal, random-walk gain of linear";
  }

 protected:
  Distribution law(const WeightShape& shape) const override {
    FANIN_CHECK(shape.rank >= 2, shape, "random_walk needs a weight of at least 2 dimensions, not {}; use zeros",
                to_string(shape));
    const double width = fan(shape).in;
    return Distribution::normal(0.0, random_walk_gain(width, activation_) / std::sqrt(width));
  }

 private:
  const WalkThrough activation_;
};

}  // namespace

double random_walk_gain(double width, WalkThrough activation) {
  if (activation == WalkThrough::linear) return std::exp(0.5 / width);
  return std::numbers::sqrt2 * std::exp(1.2 / (std::max(width, 6.0) - 2.4));
}

InitializerPtr random_walk(WalkThrough activation) { return std::make_shared<RandomWalk>(activation); }

}  // namespace fanin
