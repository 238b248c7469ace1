// Convolutional networks without shortcuts from the literature.
//   vgg-DEPTH   VGG (Simonyan & Zisserman 2015) for 32x32 images, as szagoruyko/wide-residual-networks' vgg.lua (19):
//               3x3 convolutions in five groups of 64, 128, 256, 512, 512 channels, each with BatchNorm (epsilon 1e-3);
//               2x2 max pool after the first four, 2x2 average pool at the end; one linear layer. DEPTH 11, 13, 16, 19
//   nin         Network in Network (Lin et al. 2014), as nin.lua there: 5x5 and 1x1 convolutions with biases
//               and BatchNorm, no dropout, a linear layer at the end
//   fitnet4     FitNet-4 as Mishkin & Matas (2016, LSUV) trained it: 17 convolutions 3x3 with biases and no norm, 2x2 max
//               pools, a global max pool, linear layers of 500 and of the classes. Their dropout was 0.2 (here an option)
// SPDX-License-Identifier: MIT
#pragma once

#include "models/options.h"

namespace fanin {

struct ClassicOptions : ModelOptions {
  int depth = 19;        // vgg
  float dropout = 0.0f;  // fitnet4: at the input, after pools and after the first linear layer
};

Node vgg(Network& net, const ClassicOptions& options);  // logits, like the next two
Node nin(Network& net, const ClassicOptions& options);
Node fitnet4(Network& net, const ClassicOptions& options);
Node vgg(Network& net, ModelSpec& spec);
Node nin(Network& net, ModelSpec& spec);
Node fitnet4(Network& net, ModelSpec& spec);

}  // namespace fanin
