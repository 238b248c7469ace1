// Orthogonal weights (Saxe, McClelland & Ganguli 2014), as torch.nn.init.orthogonal_: the weight flattened to (out x in
// * taps) is gain times a matrix with orthonormal rows (or columns, whichever are fewer), uniform over all of them: QR
// of a Gaussian matrix with the signs of R's diagonal moved into Q (Mezzadri 2007).
// A convolution with such a kernel does not preserve norms; its flattened matrix does.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

InitializerPtr orthogonal(double gain);

}  // namespace fanin
