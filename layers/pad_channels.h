// Appends channels of zeros: (N, H, W, C) -> (N, H, W, channels). The parameter-free shortcut of He et al. (2016), type A.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"

namespace fanin {

Node pad_channels(Network& net, const std::string& name, Node x, int channels);  // channels above those of x

}  // namespace fanin
