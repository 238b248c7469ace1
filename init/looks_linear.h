// Looks-linear initialization (Balduzzi, Frean, Leary, Lewis, Ma & McWilliams 2017, arXiv 1702.08591, section 5): units
// come in mirrored pairs, so that relu(z) and relu(-z) together pass z on, and a ReLU network is linear at birth.
//   first    [V; -V]            the layer that reads the image
//   hidden   [V, -V; -V, V]
//   last     [V, -V]            the layer that gives the logits
// V has orthonormal rows or columns, times gain; a convolution has it at its centre tap, each group for itself. With
// that, what V keeps is kept exactly: the isometry of Burkholz & Dubatovka (2019), who share parameters the same way.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

enum class MirrorPart { first, hidden, last };

// Filling throws ErrorKind::shape where an odd number of channels would have to be halved.
InitializerPtr looks_linear(MirrorPart part, double gain);

}  // namespace fanin
