// Independent draws of a distribution that no shape changes (AlexNet's N(0, 0.01^2), Krizhevsky et al. 2012):
//   normal             N(mean, std^2)                            torch.nn.init.normal_
//   uniform            U[low, high)                              torch.nn.init.uniform_
//   truncated_normal   N(mean, std^2) restricted to [low, high]  torch.nn.init.trunc_normal_: absolute bounds, and the
//                      variance is that of the restricted distribution, below std^2
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

// All throw ErrorKind::usage for parameters that make no distribution.
InitializerPtr normal(double mean, double std);
InitializerPtr uniform(double low, double high);
InitializerPtr truncated_normal(double mean, double std, double low, double high);

}  // namespace fanin
