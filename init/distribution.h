// The distribution of independent draws: what an initializer promises, in a form that can be drawn from and tested.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/draws.h"

#include <string>

namespace fanin {

struct Distribution {
  enum class Kind { normal, uniform, truncated_normal };
  Kind kind = Kind::normal;
  double location = 0.0, scale = 1.0;  // normal kinds: mean and standard deviation before any truncation
  double low = 0.0, high = 0.0;        // uniform and truncated_normal: the bounds

  static Distribution normal(double mean, double std) { return {Kind::normal, mean, std, 0.0, 0.0}; }
  static Distribution uniform(double low, double high) { return {Kind::uniform, 0.0, 0.0, low, high}; }
  static Distribution truncated_normal(double mean, double std, double low, double high) {
    return {Kind::truncated_normal, mean, std, low, high};
  }

  double mean() const;
  double variance() const;
  double kurtosis() const;  // E[(w - mean)^4] / variance^2: 3 for a normal, 1.8 for a uniform distribution
  double cdf(double x) const;
  void draw(std::span<float> w, Draws& draws) const;
};

}  // namespace fanin
