// The largest eigenvalue of the Hessian of a batch's loss by the weights, from gradients alone: Lanczos' method, which
// is power iteration that remembers (Lanczos 1950; Ghorbani et al. 2019 for networks), with
//   H v = (g(w + h v) - g(w - h v)) / (2 h),   h = 1e-3 max(|w|, 1)
// (Pearlmutter 1994 gives the exact product; the difference is its first term.) Gradients are floats: the result has two
// to three digits, and `residual` says how many. relu's kinks between w - h v and w + h v count as curvature. Power
// iteration alone takes hundreds of products here: at birth the spectrum has no gap, and as much below 0 as above.
// Plain gradient descent at rate r multiplies an error along an eigenvector by 1 - r lambda, so that it is stable for
// r < 2 / lambda (LeCun et al. 1998, section 5; Cohen et al. 2021).
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/birth.h"

#include <optional>

namespace fanin {

struct Curvature {
  double largest = 0;   // lambda_max; 0 where the loss is flat
  double residual = 0;  // |H v - lambda v| / |lambda|: an eigenvalue lies within this share of `largest`
  int products = 0;     // how many H v it took
  std::optional<double> stable_rate() const;  // 2 / lambda; nothing if the loss curves down everywhere or is flat
};

// Stops when the residual is below `tolerance` or after `most` products. Weights are as before afterwards; gradients are
// not. Training mode, dropout drawn as at step 0.
Curvature largest_curvature(Network& net, const KeptBatch& batch, double tolerance = 1e-2, int most = 60);

}  // namespace fanin
