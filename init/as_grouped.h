// Equivalent forms, equal starts. Form B of ResNeXt (branch_0.conv_conv, branch_1.conv_conv, ...) computes what form C does
// with one grouped convolution, but draws its weights from other streams and with other fans. This step fills each set
// of branches as the one convolution of form C would be: same name, shape, fans and stream under its base, cut into
// branches. Seed for seed both forms then are the same function.
// A set of branches that read one value is a convolution of all their outputs; others are its groups.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/network_initializer.h"

namespace fanin {

// Throws ErrorKind::usage for networks without branch_0, branch_1, ... Weights come from the philox streams.
NetworkInitializerPtr as_grouped();

}  // namespace fanin
