// Rectified linear unit: y = max(x, 0), dx = dy where y > 0 and 0 elsewhere (also at 0, as PyTorch).
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"

namespace fanin {

Node relu(Network& net, const std::string& name, Node x);

}  // namespace fanin
