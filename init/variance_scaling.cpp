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

void draw_all(Draw draw, double mean, double std, const WeightShape& shape, std::span<float> weights, const Rng& rng) {
  for_each_element(shape, [&](std::size_t hwio, std::size_t oihw) {
    double z = 0.0;  // mean 0, variance 1
    switch (draw) {
      case Draw::normal: z = rng.normal(oihw); break;
      case Draw::truncated_normal: z = rng.truncated_normal(oihw) / kTruncatedStd; break;
      case Draw::uniform: z = std::sqrt(3.0) * (2.0 * rng.uniform(oihw) - 1.0); break;
    }
    weights[hwio] = static_cast<float>(mean + std * z);
  });
}

class Scaled : public Initializer {
 public:
  explicit Scaled(const VarianceScaling& rule) : rule_(rule) {
    FANIN_CHECK(rule.scale > 0.0 && std::isfinite(rule.scale), usage,
                "variance scaling with scale {}; it must be above 0", rule.scale);
  }
  std::string describe() const override {
    return fmt::format("{}, variance {:.4g} / {}{}", name_of(rule_.draw), rule_.scale, to_string(rule_.fan),
                       rule_.count == FanCount::torch ? " (groups as PyTorch)" : "");
  }
  std::optional<double> variance(const WeightShape& shape) const override {
    return rule_.scale / fan_by_mode(fan(shape, rule_.count), rule_.fan);
  }
  void fill(const WeightShape& shape, std::span<float> weights, const Rng& rng) const override {
    draw_all(rule_.draw, 0.0, std::sqrt(*variance(shape)), shape, weights, rng);
  }

 private:
  const VarianceScaling rule_;
};

class Fixed : public Initializer {
 public:
  Fixed(Draw draw, double mean, double std, std::string text)
      : draw_(draw), mean_(mean), std_(std), text_(std::move(text)) {}
  std::string describe() const override { return text_; }
  std::optional<double> variance(const WeightShape&) const override { return std_ * std_; }
  void fill(const WeightShape& shape, std::span<float> weights, const Rng& rng) const override {
    draw_all(draw_, mean_, std_, shape, weights, rng);
  }

 private:
  const Draw draw_;
  const double mean_, std_;
  const std::string text_;
};

}  // namespace

InitializerPtr variance_scaling(const VarianceScaling& rule) { return std::make_shared<Scaled>(rule); }

InitializerPtr normal(double mean, double std) {
  FANIN_CHECK(std >= 0.0 && std::isfinite(std) && std::isfinite(mean), usage,
              "normal with mean {} and std {}; std must be at least 0", mean, std);
  return std::make_shared<Fixed>(Draw::normal, mean, std, fmt::format("normal, mean {}, std {}", mean, std));
}

InitializerPtr uniform(double low, double high) {
  FANIN_CHECK(low <= high && std::isfinite(low) && std::isfinite(high), usage,
              "uniform from {} to {}; the first must not exceed the second", low, high);
  return std::make_shared<Fixed>(Draw::uniform, 0.5 * (low + high), (high - low) / std::sqrt(12.0),
                                 fmt::format("uniform from {} to {}", low, high));
}

}  // namespace fanin
