// MetaInit (Dauphin & Schoenholz 2019, section 3): the scales of the weights at which the gradient g changes least along
// itself, measured by the gradient quotient over the N weights
//   GQ = (1 / N) sum |(g - H g) / (g + eps sign g) - 1|,   eps = 1e-5
// H g, the Hessian times the gradient, is the central difference (g(w + h g) - g(w - h g)) / (2 h), with |h g| a hundredth
// of |w|. The authors follow the gradient of GQ; here init/scale_search.h compares. They take random data, this the
// sample.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/network_initializer.h"

namespace fanin {

NetworkInitializerPtr metainit(int rounds);

}  // namespace fanin
