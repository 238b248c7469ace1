// The Jacobian of each hidden layer of a tanh network at birth, diag(tanh'(h)) W (Glorot & Bengio 2010, section 4.2.1).
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fanin {

struct LayerJacobians {
  std::vector<double> mean;  // of a layer's singular values, for one Gaussian input
  // 8 / (3 pi) sqrt(n v), the mean singular value of a square random matrix of variance v (quarter-circle law), times the
  // layer's mean tanh': exact where tanh' is the same for all units.
  std::vector<double> theory;
};

// `depth` layers of `width` units and as many inputs; `weight_variance` is width times the scheme's variance.
LayerJacobians layer_jacobians(const std::string& scheme, double weight_variance, int depth, int width,
                               std::uint64_t seed);

}  // namespace fanin
