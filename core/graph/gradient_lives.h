// Which gradients exist, which share memory, and when each is needed.
//   - The operands of a sum share the gradient of the sum; a layer that may writes d(input) over d(output).
//   - A gradient that went into another one, or that the convolution in front loads itself (fuse.h), does not exist.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/storage.h"

#include <vector>

namespace fanin {

struct GradientLives {
  Groups groups;
  std::vector<Life> lives;  // per node; empty: no gradient
};

GradientLives gradient_lives(const std::vector<PlanNode>& nodes, const PlanOptions& options, const Fusion& fusion);

}  // namespace fanin
