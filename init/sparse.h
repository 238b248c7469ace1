// Sparse weights, as torch.nn.init.sparse_: N(0, std^2), then in each column (one input of a linear layer)
// ceil(sparsity * rows) random entries become 0. Martens (2010), whom PyTorch cites, fixes the non-zeros of each unit
// (row) instead.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

InitializerPtr sparse(double sparsity, double std = 0.01);  // throws ErrorKind::usage unless 0 <= sparsity <= 1

}  // namespace fanin
