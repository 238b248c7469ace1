// SPDX-License-Identifier: MIT
#include "init/variance_scaling.h"

#include "core/check.h"

#include <fmt/format.h>

#include <cmath>

namespace fanin {

namespace {

constexpr double kTruncatedStd = 0.87962566103423978;  // of N(0, 1) restricted to [-2, 2]

const char* name_of(Draw draw) {
  switch (draw) {
    case Draw::normal: return "normal";
    case Draw::truncated_normal: return "truncated normal";
    case Draw::uniform: return "uniform";
  }
  return "normal";
}

class Scaled : public IndependentInitializer {
 public:
  explicit Scaled(const VarianceScaling& rule) : rule_(rule) {
    FANIN_CHECK(rule.scale > 0.0 && std::isfinite(rule.scale), usage,
                "variance scaling with scale {}; it must be above 0", rule.scale);
  }
  std::string describe() const override {
    return fmt::format("{}, variance {:.4g} / {}{}", name_of(rule_.draw), rule_.scale, to_string(rule_.fan),
                       to_string(rule_.count));
  }

 protected:
  Distribution law(const WeightShape& shape) const override {
    FANIN_CHECK(shape.rank >= 2 || rule_.biases, shape,
                "'{}' needs the fans of a weight of at least 2 dimensions, not {}; use constant, normal or uniform",
                describe(), to_string(shape));
    const double std = std::sqrt(rule_.scale / fan_by_mode(fan(shape, rule_.count), rule_.fan));
    switch (rule_.draw) {
      case Draw::normal: break;
      case Draw::uniform: return Distribution::uniform(-std::sqrt(3.0) * std, std::sqrt(3.0) * std);
      case Draw::truncated_normal: {
        const double wide = std / kTruncatedStd;
        return Distribution::truncated_normal(0.0, wide, -2.0 * wide, 2.0 * wide);
      }
    }
    return Distribution::normal(0.0, std);
  }

 private:
  const VarianceScaling rule_;
};

}  // namespace

InitializerPtr variance_scaling(const VarianceScaling& rule) { return std::make_shared<Scaled>(rule); }

}  // namespace fanin
