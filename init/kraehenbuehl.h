// Data-dependent initialization (Kraehenbuehl, Doersch, Donahue & Darrell 2016, arXiv 1511.06856):
//   within layers (section 3.1)    in order, each output channel's weights are divided by the standard deviation of the
//                                  channel over the batch, and its bias makes the mean 0
//   between layers (section 3.2)   all layers learn at one relative rate: C_k, the root mean square of the gradient of a
//                                  random linear function of the logits over the size |W_k| of the weights, is the same
//                                  for all k
// A layer times t, with the product of all t at 1, leaves a ReLU network's function as it is and multiplies C_k by
// 1 / t^2; so t_k = sqrt(C_k / C), C the geometric mean, does at once what the authors' damped iteration comes to. That
// needs a chain without norm; elsewhere between=no.
// The random function's coefficients are N(0, 1) from stream init-network/kraehenbuehl.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/network_initializer.h"

namespace fanin {

// Throws ErrorKind::usage for `between` where the network has sums, joins or norms, or a channel is constant.
NetworkInitializerPtr kraehenbuehl(bool between);

}  // namespace fanin
