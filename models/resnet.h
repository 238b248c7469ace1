// Residual networks for 32x32 images, before and after activation and norm moved to the front.
//   resnet      the original (He et al. 2016, Deep Residual Learning, section 4.2): conv-bn-act-...-bn, sum, act
//     block=basic       depth 6n + 2, two 3x3 convolutions a block, 16, 32, 64 channels, shortcut A
//     block=bottleneck  depth 9n + 2, 1x1, 3x3 (stride), 1x1 to four times the channels, shortcut B
//   preresnet   pre-activation (He et al. 2016, Identity Mappings), as szagoruyko/wide-residual-networks'
//               resnet-pre-act.lua: bn-act-conv-...; where channels change, bn and act come before the fork and the
//               shortcut is a 1x1 convolution without norm
//     block=bottleneck  depth 9n + 2, 64, 128, 256 channels with a quarter inside, the stride in the first 1x1
//     block=basic       depth 6n + 2, 16, 32, 64 channels
// `width` is the stem's and the first stage's inner width, 16.
// Names follow torchvision: conv1, bn1, layer1.0.conv1, layer1.0.downsample.0, fc.
// SPDX-License-Identifier: MIT
#pragma once

#include "models/options.h"

namespace fanin {

struct ResnetOptions : ModelOptions {
  int depth = 20, width = 16;
  bool bottleneck = false;
  ResidualForm residual = ResidualForm::plain;
  Shortcut shortcut = Shortcut::a;  // preresnet: as described above
};

Node resnet(Network& net, const ResnetOptions& options);     // logits
Node preresnet(Network& net, const ResnetOptions& options);  // logits
Node resnet(Network& net, ModelSpec& spec);                  // resnet-DEPTH:block=basic,width=16,shortcut=A
Node preresnet(Network& net, ModelSpec& spec);               // preresnet-DEPTH:block=bottleneck,width=16

}  // namespace fanin
