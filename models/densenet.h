// DenseNet and DenseNet-BC for 32x32 images (Huang et al. 2017), as bamos/densenet.pytorch builds them:
//   depth 3n + 4 (BC: 6n + 4), growth k; stem 3x3 to 2k channels; three dense blocks of n layers, each joined to its
//   own input; layer: bn-act-3x3 to k; BC: bn-act-1x1 to 4k, bn-act-3x3 to k; between blocks bn-act-1x1 to
//   floor(c * reduction), 2x2 average pool
// Channels of a join: the block's input first, new channels last.
// SPDX-License-Identifier: MIT
#pragma once

#include "models/options.h"

namespace fanin {

struct DensenetOptions : ModelOptions {
  int depth = 40, growth = 12;
  bool bottleneck = false;  // the BC variant
  double reduction = 1.0;   // BC: 0.5
};

Node densenet(Network& net, const DensenetOptions& options);  // logits
Node densenet(Network& net, ModelSpec& spec);                 // densenet-DEPTH-GROWTH:reduction=1
Node densenet_bc(Network& net, ModelSpec& spec);              // densenet-bc-DEPTH-GROWTH:reduction=0.5

}  // namespace fanin
