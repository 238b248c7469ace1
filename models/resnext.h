// ResNeXt for 32x32 images (Xie et al. 2017):
//   depth 9n + 2, n bottlenecks in each of three stages of 64w, 128w, 256w channels (w = widen, 4), strides 1, 2, 2
//   form C, as prlz77/ResNeXt.pytorch builds it: 1x1 to D C, 3x3 in C groups (stride), 1x1 to the stage's channels, each
//           with BatchNorm; D = width * stage / (64 w)
//   form B, as facebookresearch/ResNeXt's resnext_B: C branches of 1x1 to D and 3x3, joined, then 1x1. The same function
//           of the same numbers of weights, but other fans: an initializer does not treat them alike
//   shortcut: identity, or 1x1 conv + BatchNorm where the shape changes (B), always (C), or zero channels (A);
//   activation after the sum
// SPDX-License-Identifier: MIT
#pragma once

#include "models/options.h"

namespace fanin {

struct ResnextOptions : ModelOptions {
  int depth = 29, cardinality = 8, width = 64, widen = 4;
  bool split = false;  // form B
  Shortcut shortcut = Shortcut::b;
};

Node resnext(Network& net, const ResnextOptions& options);  // logits
Node resnext(Network& net, ModelSpec& spec);                // resnext-DEPTH-CxWd:widen=4,form=C,shortcut=B

}  // namespace fanin
