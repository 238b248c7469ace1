// What ends each residual branch times 1 / sqrt(L), for L branches: its last convolution or linear layer, or the norm
// behind that, which would undo it. With He's base and no norm a branch adds as much as it reads, so that without this
// the second moment doubles with each block; with it L blocks multiply it by (1 + 1 / L)^L, which is below e.
// Hayou et al. 2021 (Stable ResNet, arXiv 2010.12859) have the factor as a constant of the network; in the weights it is
// the same at birth, but learns at another rate. GPT-2 has it in the weights (Radford et al. 2019). Marion et al. 2025
// (JMLR 26, 56) prove that no other power of L keeps a limit of many blocks from both exploding and standing still.
// skipinit:scale=inverse_sqrt has it as a scalar that learns.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/network_initializer.h"

namespace fanin {

// Throws ErrorKind::usage for networks without residual branches, and for branches that end in something without
// weights, such as an activation.
NetworkInitializerPtr stable_resnet();

}  // namespace fanin
