// Identity as a convolution, as torch.nn.init.dirac_: zero, except that the centre tap (size / 2) of output channel d
// of each of `groups` parts of the outputs passes input channel d, as far as there are both.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

InitializerPtr dirac(int groups = 1);

}  // namespace fanin
