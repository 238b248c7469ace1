// Delta-orthogonal convolutions (Xiao, Bahri, Sohl-Dickstein, Schoenholz & Pennington 2018, section 2.4): zero but for
// the centre tap, which is gain times a matrix with orthonormal columns, uniform over all. Unlike a flattened orthogonal
// kernel it keeps norms as a convolution: |W * x| = gain |x| with stride 1, whatever the padding. A linear layer gets
// a plain orthogonal matrix.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

// Filling a convolution with more inputs than outputs throws ErrorKind::shape: its columns cannot be orthonormal.
InitializerPtr delta_orthogonal(double gain);

}  // namespace fanin
