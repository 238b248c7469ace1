// ZerO's matrices (Zhao, Schaefer & Anandkumar 2022, arXiv 2110.12661, algorithms 1 and 2): no random numbers.
//   out <= in   the first `out` rows of the identity
//   out > in    c times the first rows and columns of a Hadamard matrix H_m: m = ceil(log2 out), c = 2^(-(m - 1) / 2);
//               a partial identity would bound the rank of what is learned by the number of inputs
// A convolution has them at its centre tap, each group for itself. ZerO also sets the last convolution of each residual
// branch to 0: scheme zero_last:base=zero_hadamard.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

InitializerPtr zero_hadamard();

}  // namespace fanin
