// LSUV, layer-sequential unit-variance initialization (Mishkin & Matas 2016, arXiv 1511.06422, algorithm 1): from
// orthonormal weights, in the order of the forward pass, each convolution and linear layer's weights are divided by the
// standard deviation of its output over batch, pixels and channels, until that is 1 within the tolerance. Layers whose
// weights are all zero are meant to be and stay so.
// A layer that was scaled is measured again in the pass that measures the next one, so that L layers take about L + 1
// passes.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/network_initializer.h"

namespace fanin {

// `tolerance`: of the variance, above 0; `tries`: how often one layer is scaled at most (with a bias, once may not do).
NetworkInitializerPtr lsuv(double tolerance, int tries);

}  // namespace fanin
