// Networks without shortcuts, for depth studies (He et al. 2015, section 2; Glorot & Bengio 2010).
//   plain-DEPTH-WIDTH  DEPTH - 1 convolutions 3x3 in three stages of WIDTH, 2 WIDTH, 4 WIDTH channels, the later two
//                      starting with stride 2; global average pool; linear. Convolutions have biases unless BatchNorm
//                      follows. Default norm: none. stages=1: all convolutions of WIDTH channels and stride 1 (Xiao et
//                      al. 2018).
//   mlp-DEPTH-WIDTH    flatten; DEPTH hidden linear layers of WIDTH units; linear. Default norm: none.
// SPDX-License-Identifier: MIT
#pragma once

#include "models/options.h"

namespace fanin {

struct PlainOptions : ModelOptions {
  int depth = 20, width = 16, stages = 3;
};

Node plain_cnn(Network& net, const PlainOptions& options);  // logits
Node mlp(Network& net, const PlainOptions& options);        // logits
Node plain_cnn(Network& net, ModelSpec& spec);              // plain-DEPTH-WIDTH
Node mlp(Network& net, ModelSpec& spec);                    // mlp-DEPTH-WIDTH

}  // namespace fanin
