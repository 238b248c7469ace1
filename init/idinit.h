// IDInit's identity-like matrix IDI_tau (Pan, Wang, Wu, Wang, Zhang & Xu 2025, arXiv 2503.04626, section 3): tau times an
// identity that is repeated until it fills the longer side, so that every unit has an input and every input is used:
//   w(o, i) = tau  where o = i mod out (wide) or i = o mod in (tall), else 0
// tau = 1 keeps the signal; the last layer of a residual branch gets tau = 1e-6 (their IDIZ), nearly a zero start.
// A convolution has it at its centre tap, each group for itself; their patch-maintain convolution, which spreads the
// ones over taps, and their perturbation against equal columns are not here.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

InitializerPtr idinit(double tau);

}  // namespace fanin
