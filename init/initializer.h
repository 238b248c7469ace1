// An initializer: a strategy object that fills one weight. Pure: the same shape and stream give the same weights.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/rng.h"
#include "core/tensor/shape.h"

#include <memory>
#include <optional>
#include <span>
#include <string>

namespace fanin {

class Initializer {
 public:
  virtual ~Initializer() = default;
  virtual std::string describe() const = 0;  // "normal, variance 2 / fan_in"
  // The variance (second moment about the mean, over elements) it promises for this shape. Tests and reports hold it to
  // that.
  virtual std::optional<double> variance(const WeightShape& shape) const = 0;
  // Throws ErrorKind::shape if it cannot serve this shape. `weights` has shape.size() floats in HWIO order; element i
  // of the file order (OIHW) draws index i of the stream, so that values do not depend on the memory layout.
  virtual void fill(const WeightShape& shape, std::span<float> weights, const Rng& rng) const = 0;
};

using InitializerPtr = std::shared_ptr<const Initializer>;

}  // namespace fanin
