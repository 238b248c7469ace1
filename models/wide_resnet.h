// Wide residual network (Zagoruyko & Komodakis 2016), as the PyTorch code of szagoruyko/wide-residual-networks builds
// it:
//   depth 6n + 4, n blocks in each of three groups of 16k, 32k, 64k channels, strides 1, 2, 2
//   block: bn0-act-conv0(stride)-bn1-act-[dropout]-conv1, plus the input; where channels or size change, plus convdim
//   (1x1) of the activated input
// SPDX-License-Identifier: MIT
#pragma once

#include "models/options.h"

namespace fanin {

struct WideResnetOptions : ModelOptions {
  int depth = 16, widen = 1;
  float dropout = 0.0f;
  ResidualForm residual = ResidualForm::plain;
};

Node wide_resnet(Network& net, const WideResnetOptions& options);  // logits
Node wide_resnet(Network& net, ModelSpec& spec);                   // wrn-DEPTH-WIDEN:dropout=0,residual=plain

}  // namespace fanin
