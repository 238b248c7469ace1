// Weights of one initializer, in file order.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

#include <limits>
#include <string>
#include <vector>

namespace fanin::test {

inline std::vector<float> weights_of(const Initializer& initializer, const WeightShape& shape, std::uint64_t seed = 1,
                                     const std::string& name = "w") {
  std::vector<float> weights(shape.size(), std::numeric_limits<float>::quiet_NaN());
  PhiloxDraws draws(Rng::stream(seed, "init/" + name));
  initializer.fill(shape, weights, draws);
  return weights;
}

}  // namespace fanin::test
