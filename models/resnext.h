// ResNeXt for 32x32 images (Xie et al. 2017), as prlz77/ResNeXt.pytorch builds it:
//   depth 9n + 2, n bottlenecks in each of three stages of 64w, 128w, 256w channels (w = widen, 4), strides 1, 2, 2
//   bottleneck: 1x1 to D, 3x3 D to D in C groups (stride), 1x1 to the stage's channels, each with BatchNorm;
//               D = C * (width * stage / (64 w))
//   shortcut: identity, or 1x1 conv + BatchNorm where the channels change; activation after the sum
// SPDX-License-Identifier: MIT
#pragma once

#include "models/options.h"

namespace fanin {

struct ResnextOptions : ModelOptions {
  int depth = 29, cardinality = 8, width = 64, widen = 4;
};

Node resnext(Network& net, const ResnextOptions& options);  // logits

}  // namespace fanin
