// IDInit (Pan, Wang, Wu, Wang, Zhang & Xu 2025, arXiv 2503.04626, section 3): tau times an identity that is repeated until
// it fills the longer side, so that every unit has an input and every input is used:
//   w(o, i) = tau  where o = i mod out (wide) or i = o mod in (tall), else 0
// tau = 1 keeps the signal.
//   wide=once    only the first square of a wide matrix, o = i; the other inputs are not used. A public reimplementation
//                (YitianYu69/Deep_Optimization) reads it so; which of the two the paper means has not been checked.
//   conv=centre  a convolution has the out x in matrix at its centre tap
//   conv=patch   its out x (in kh kw) matrix is the identity, in the order of a file (their patch-maintain convolution):
//                units read taps beside the centre, too
//   part=zero    for the last layer of a residual branch, with tau = 1e-6 (their IDIZ): each tau is paired with a -tau, so
//                that a unit passes on differences of inputs, nearly 0, and still learns. Wide: the inputs behind the first
//                square have -tau as wide=once has tau; tall: -tau at i = o + 1 mod in. After the reimplementation, not
//                checked against the paper.
// Each group of a convolution has it for itself. Their perturbation against equal columns is not here.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

struct IdinitOptions {
  double tau = 1.0;
  bool patch = false, once = false, zero = false;
};

InitializerPtr idinit(const IdinitOptions& options);  // throws ErrorKind::usage unless tau > 0

}  // namespace fanin
