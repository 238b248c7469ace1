// Inverted dropout (Srivastava et al. 2014): in training each value is kept with probability 1 - p and divided by 1 -
// p; evaluation changes nothing. Whether element i is kept is draw i of stream dropout/<node>/<step>, so the backward
// pass draws the same mask again and nothing is stored.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"

namespace fanin {

Node dropout(Network& net, const std::string& name, Node x, float drop_probability);  // 0 <= p < 1

}  // namespace fanin
