// Sinusoidal initialization (Fernandez-Hernandez, Mestre, Dolz, Duato & Quintana-Orti 2025, arXiv 2505.12909): no random
// numbers. The weight flattened to m outputs x n inputs, n = in / groups * kh * kw, is a sine over the inputs, another
// frequency for each output:
//   w(i, j) = a sin(i (2 pi j / n + 2 pi / m)),   i = 1 ... m, j = 0 ... n - 1
// The amplitude a makes the unbiased variance of all N numbers 2 / (n + m); about their mean that is 1 - 1 / N of it. A
// row sums to 0, so no unit leans to one side, unless its frequency is a multiple of n. Checked against the authors' code
// (jmiravet/Sinusoidal-Initialization, initialize.py): m is the number of output channels, without their taps, so that a
// convolution's variance is another than that of Glorot & Bengio.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

InitializerPtr sinusoidal();

}  // namespace fanin
