// Fixup (Zhang, Dauphin & Ma 2019, arXiv 1901.09321, section 3): for L residual branches of m layers each,
//   1  the classifier's weight and bias, and the last convolution of each branch, are 0
//   2  the other convolutions of branches are multiplied by L^(-1 / (2 m - 2))
//   3  scalar biases start at 0, the multiplier of each branch at 1 (the network has them: residual=fixup)
// The authors' code draws from He's rule by fan_out, which is the base here. A training step then changes the output by
// an amount that does not depend on depth. Their scalars learn at a tenth of the rate: --lr-groups scalar=0.1.
// Throws ErrorKind::usage for a network without the scalars or with branches of one layer.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/network_initializer.h"

namespace fanin {

NetworkInitializerPtr fixup();

}  // namespace fanin
