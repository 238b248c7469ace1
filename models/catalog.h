// Networks by name. A spec is a name with numbers, then options:
//   wrn-16-4   resnext-29-8x64d   densenet-bc-100-12   resnet-20   vgg-19   plain-20-16   mlp-5-256   ...
//              :norm=none,act=tanh,classes=100
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"

#include <string>
#include <string_view>
#include <vector>

namespace fanin {

struct Model {
  Network network;
  Node logits;       // (N, 1, 1, classes)
  std::string spec;  // canonical
};

struct ModelEntry {
  std::string pattern, example, options,
      source;  // "wrn-DEPTH-WIDEN", "wrn-16-4", "dropout=0" on top of norm, act, classes; paper
};
const std::vector<ModelEntry>& model_catalog();

// Builds (does not prepare). Throws ErrorKind::usage: unknown model ("did you mean"), illegal depth (lists legal ones),
// unknown option; ErrorKind::shape if the image is too small for the network.
Model build_model(std::string_view spec, Shape image, int classes);

}  // namespace fanin
