// The Jacobian of one image's logits by its pixels: how a network at birth stretches directions. All singular values 1
// is dynamical isometry (Saxe et al. 2014, section 4; Pennington et al. 2017); small ones are directions that the
// network cannot see.
//   row k   the gradient of logit k, by a backward pass from that logit alone. Exact up to rounding; with BatchNorm the
//           statistics of the batch count as functions of the image
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/birth.h"

#include <optional>
#include <string>
#include <vector>

namespace fanin {

struct JacobianSpectrum {
  std::vector<double> singular_values;  // all in descending order; of more than `kExactRows` logits the largest alone
  double mean_square = 0;               // of the singular values: |J|^2 / logits
  std::string reason;                   // why there is none: a network whose first layer is not linear
};

inline constexpr std::size_t kExactRows = 128;

// Of image `image` of the batch. The network is prepared, initialized and not observed.
JacobianSpectrum jacobian_spectrum(Network& net, const KeptBatch& batch, int image = 0);

}  // namespace fanin
