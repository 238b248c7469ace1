// Sinusoidal initialization (Fernandez-Hernandez, Mestre, Dolz, Duato & Quintana-Orti 2025, arXiv 2505.12909): no random
// numbers. The weight flattened to m outputs x n inputs is a sine over the inputs, another frequency for each output:
//   w(i, j) = a sin(2 pi i j / n + 2 pi i / m),   i = 1 ... m, j = 1 ... n
// The amplitude a makes the variance 2 / (fan_in + fan_out). A row sums to 0, so no unit leans to one side, unless its
// frequency is a multiple of n.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

InitializerPtr sinusoidal();

}  // namespace fanin
