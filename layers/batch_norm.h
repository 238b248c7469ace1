// Batch normalization over all pixels of a batch, one mean and variance per channel (Ioffe & Szegedy 2015).
//   y  = scale * (x - mean) * inv_std + shift
//   dx = scale * inv_std * (dy - mean(dy) - x_hat * mean(dy * x_hat)),   x_hat = (x - mean) * inv_std, means over pixels
// Semantics of torch.nn.BatchNorm2d: training normalizes with the biased variance and moves the running statistics
// towards the batch's mean and UNBIASED variance by `momentum`; evaluation normalizes with the running statistics.
//   parameters: weight (norm_scale), bias (norm_shift); state: running_mean (starts at 0), running_var (starts at 1)
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"

namespace fanin {

struct BatchNormOptions {
  float epsilon = 1e-5f;
  float momentum = 0.1f;
};

// Training needs at least 2 values per channel; a single one is normalized to 0 and leaves the running variance
// unchanged.
Node batch_norm(Network& net, const std::string& name, Node x, const BatchNormOptions& options = {});

}  // namespace fanin
