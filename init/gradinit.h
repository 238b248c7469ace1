// GradInit (Zhu, Ni, Xu, Kong, Huang & Goldstein 2021, arXiv 2102.08098, section 3, for SGD): the scales of the weights at
// which one normalized gradient step of length eta lowers the loss most, while the gradient is no longer than gamma:
//   minimize  loss(w - eta g / |g|; second half-new batch)   subject to  |g| <= gamma
// Authors: eta = 0.1, gamma = 1. The constraint is here a penalty, 10 log(|g| / gamma) where that is positive; where they
// follow gradients by Adam, init/scale_search.h compares. The first batch is the first half of the sample, the second
// its middle half, so that half of it is new.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/network_initializer.h"

namespace fanin {

// eta and gamma above 0. Applying throws ErrorKind::usage for a sample of fewer than 4 images.
NetworkInitializerPtr gradinit(double eta, double gamma, int rounds);

}  // namespace fanin
