// What the multiplier of each residual branch starts from, x + scale * F(x):
//   skipinit   0, or 1 / sqrt(L) for L branches (De & Smith 2020, arXiv 2002.10444, section 3)
//   rezero     0 (Bachlechner et al. 2020, arXiv 2003.04887)
// With 1 / sqrt(L) the variance grows by at most (1 + 1 / L)^L < e over all blocks, where without it doubles with each.
// Networks: residual=skipinit or residual=rezero; others throw ErrorKind::usage.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/network_initializer.h"

namespace fanin {

enum class BranchScale { zero, inverse_sqrt };

// `name` is that of the scheme, for messages.
NetworkInitializerPtr branch_scale(const char* name, BranchScale value);

}  // namespace fanin
