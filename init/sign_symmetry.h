// Which values turn their sign with the signs of some layer's weights. Weights of a centred law are as likely as their
// negatives, so a value that turns and one that stays have no correlation: E a b = 0. That is how the moments of a sum
// and of two gradients that meet are known without following covariances.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/moments_forward.h"

#include <vector>

namespace fanin {

class SignSymmetry {
 public:
  explicit SignSymmetry(const GraphMoments& graph);  // reads nodes, inputs and laws
  bool uncorrelated(std::size_t a, std::size_t b) const;

 private:
  // Per node a flag for each node with weights: does the value turn with them; does it depend on them at all?
  std::vector<std::vector<bool>> turns_, depends_;
};

}  // namespace fanin
