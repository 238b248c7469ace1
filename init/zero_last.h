// Residual branches that add nothing at birth, since their last parameter is 0:
//   zero_last    the last convolution                                (the residual rule of Fixup's ablation; ZerO)
//   zero_gamma   the scale of the norm that ends the branch          (Goyal et al. 2017, arXiv 1706.02677, section 5.1;
//                                                                     zero_init_residual of torchvision)
// Both throw ErrorKind::usage for networks without such branches.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/network_initializer.h"

namespace fanin {

NetworkInitializerPtr zero_last();
NetworkInitializerPtr zero_gamma();

}  // namespace fanin
