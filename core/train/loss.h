// Softmax cross-entropy, mean over the batch, with label smoothing (Szegedy et al. 2016, section 7):
//   target_k = (1 - smoothing) * [k == label] + smoothing / K
//   loss = -(1/N) sum_n sum_k target_k log softmax(logits)_k
// and for mixed images (mixup, Zhang et al. 2018) with the mean of two such targets, weighted share : 1 - share.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/tensor.h"

#include <span>

namespace fanin {

struct LossResult {
  double loss_sum = 0.0;  // over images, not the mean; NaN or infinite if a logit is
  int correct = 0;        // images whose largest logit is the label; the first one wins a tie
};

// The other label of each image and the weight of the first; empty: there is none.
struct MixedLabels {
  std::span<const int> other = {};
  double share = 1.0;
};

// logits: (N, 1, 1, K). Writes d(mean loss)/d(logits) unless gradient.data is null.
LossResult softmax_cross_entropy(ConstView logits, std::span<const int> labels, float label_smoothing, View gradient,
                                 const MixedLabels& mixed = {});

// In place: each row of (N, 1, 1, K) becomes probabilities.
void softmax(View logits);

}  // namespace fanin
