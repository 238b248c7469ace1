// An initializer: a strategy object that fills one weight. Pure: the same shape and draws give the same weights.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/shape.h"
#include "init/distribution.h"

#include <memory>
#include <optional>
#include <span>
#include <string>

namespace fanin {

// What a structured initializer claims beyond a variance, checked on weights that it filled: "rows orthonormal".
struct Property {
  std::string claim;
  double deviation = 0, bound = 0;  // the largest deviation found, and what rounding explains
  bool holds() const { return deviation <= bound; }
};

class Initializer {
 public:
  virtual ~Initializer() = default;
  virtual std::string describe() const = 0;  // "normal, variance 2 / fan_in"
  // The variance (second moment about the mean, over elements) it promises for this shape. Tests and reports hold it to
  // that.
  virtual std::optional<double> variance(const WeightShape& shape) const = 0;
  // Throws ErrorKind::shape if it cannot serve this shape. `weights` has shape.size() floats in file order (OIHW).
  virtual void fill(const WeightShape& shape, std::span<float> weights, Draws& draws) const = 0;

  // E[(w - mean)^4] / variance^2: how far a sample variance may stray from the promise. 3 for a normal distribution.
  virtual double kurtosis(const WeightShape&) const { return 3.0; }
  // What else can be checked: the distribution if elements are independent, a property if they are not.
  virtual std::optional<Distribution> distribution(const WeightShape&) const { return std::nullopt; }
  virtual std::optional<Property> property(const WeightShape&, std::span<const float>) const { return std::nullopt; }
  // Elements have mean 0, different ones are uncorrelated, and -w is as likely as w: what predictions of the signal
  // stand on (moments_forward.h).
  virtual bool centred(const WeightShape&) const { return false; }
  virtual std::string warning(const WeightShape&) const { return {}; }  // legal but hardly meant; empty if nothing
};

using InitializerPtr = std::shared_ptr<const Initializer>;

// Base of initializers whose elements are independent draws of one distribution.
class IndependentInitializer : public Initializer {
 public:
  std::optional<Distribution> distribution(const WeightShape& shape) const override { return law(shape); }
  std::optional<double> variance(const WeightShape& shape) const override { return law(shape).variance(); }
  double kurtosis(const WeightShape& shape) const override { return law(shape).kurtosis(); }
  bool centred(const WeightShape& shape) const override { return law(shape).mean() == 0.0; }
  void fill(const WeightShape& shape, std::span<float> weights, Draws& draws) const override {
    law(shape).draw(weights, draws);
  }

 protected:
  virtual Distribution law(const WeightShape& shape) const = 0;
};

}  // namespace fanin
