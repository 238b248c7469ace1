// ConvMixer (Trockman & Kolter 2022, arXiv 2201.09792): patches, then blocks that mix places and channels in turn.
//   stem    convolution of p x p pixels with stride p (p = patch), activation, norm
//   block   x + norm(act(depthwise k x k (x))), then pointwise 1x1, activation, norm (k = kernel)
//   end     mean over all places, linear
// The activation stands before the norm. Convolutions have biases with and without norm, as in the public code. Size and
// width stay the same from the stem to the end. Names are those of timm's convmixer.py: stem.0, blocks.0.0.fn.0, head.
// SPDX-License-Identifier: MIT
#pragma once

#include "models/options.h"

namespace fanin {

struct ConvmixerOptions : ModelOptions {
  int depth = 8, width = 256, kernel = 5, patch = 2;
};

Node convmixer(Network& net, const ConvmixerOptions& options);  // logits
Node convmixer(Network& net, ModelSpec& spec);                  // convmixer-DEPTH-DIM:kernel=5,patch=2

}  // namespace fanin
