// Who writes a gradient first and who adds to it.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/plan.h"

namespace fanin {

// Fills plan.edges once plan.gradient is known: replays the backward pass and notes which channels of each storage
// already hold a gradient.
void decide_writes(const std::vector<PlanNode>& nodes, int output, Plan& plan);

}  // namespace fanin
