// One learnable number for a whole tensor, as Fixup (Zhang et al. 2019), SkipInit (De & Smith 2020) and ReZero
// (Bachlechner et al. 2020) use it.
//   scalar_multiplier  y = weight * x   (role scalar_multiplier)
//   scalar_bias        y = x + bias     (role scalar_bias)
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"

namespace fanin {

Node scalar_multiplier(Network& net, const std::string& name, Node x);
Node scalar_bias(Network& net, const std::string& name, Node x);

}  // namespace fanin
