// Lengths, correlations and gradients of an MLP's layers over draws of the weights: what birth() measures of every node,
// without histograms and ranks, and with one draw a thread.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/birth.h"

#include <string>
#include <vector>

namespace fanin {

struct LayerSignal {
  OverSeeds square, correlation;  // of pre-activations: second moment; pairs of inputs
  OverSeeds gradient_square;      // of the loss by them
  OverSeeds dead;                 // share of units that are 0 on the whole batch, behind the activation
};

// Of hidden layers fc0, fc1, ... and what follows each, for seeds first, first + 1, ...
std::vector<LayerSignal> layer_signals(const std::string& model, const std::string& scheme, const KeptBatch& batch,
                                       int classes, int seeds, std::uint64_t first);

double mean_log(const OverSeeds& values);  // mean over seeds of ln

}  // namespace fanin
