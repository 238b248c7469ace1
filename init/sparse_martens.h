// Martens' sparse initialization (2010, Deep learning via Hessian-free optimization, section 5): every unit gets `count`
// random incoming weights from N(0, std^2) and zeros elsewhere, so that the input of a unit does not depend on the
// layer's width. torch.nn.init.sparse_ is another parametrization: a share of zeros in each column.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

// A unit with fewer than `count` inputs uses all of them. A convolution's inputs are its fan_in taps.
InitializerPtr sparse_martens(int count, double std);

}  // namespace fanin
