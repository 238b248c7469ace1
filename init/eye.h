// Identity of a linear layer, as torch.nn.init.eye_: ones on the main diagonal of the (out x in) matrix, zeros
// elsewhere.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

InitializerPtr eye();

}  // namespace fanin
