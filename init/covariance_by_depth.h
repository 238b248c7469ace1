// Depthwise convolutions of a network start from `covariance` (init/covariance.h), each at its depth: number i of L in
// the order of the forward pass at i / (L - 1), a single one at 0. Everything else is as the rules filled it.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/covariance.h"
#include "init/network_initializer.h"

namespace fanin {

// options.depth is ignored. Throws ErrorKind::usage for a network without depthwise convolutions of more than one tap.
NetworkInitializerPtr covariance_by_depth(const CovarianceOptions& options);

}  // namespace fanin
