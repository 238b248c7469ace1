// What a scheme promises for the parameters of one node: the law of its weights, and two moments of its vectors.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"
#include "init/scheme.h"

namespace fanin {

struct LayerLaw {
  bool centred = false;                     // Initializer::centred, with a promised variance
  double variance = 0;                      // of the weights
  double shift_mean = 0, shift_square = 0;  // of a bias or shift: by its law, or of the values it has if it has none
  double scale_square = 1;                  // mean square of BatchNorm's scale, or of a scalar multiplier
};

LayerLaw law_of(const NodeSummary& node, const Scheme& scheme);

}  // namespace fanin
