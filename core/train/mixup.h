// mixup (Zhang, Cisse, Dauphin & Lopez-Paz 2018): each image of a batch becomes share * itself + (1 - share) * another
// of the batch, and so does its target. One share a batch, from Beta(alpha, alpha); partners by a permutation. Draws are
// those of stream mixup/<step>.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/rng.h"
#include "core/train/batch.h"
#include "core/train/loss.h"

#include <vector>

namespace fanin {

class Mixup {
 public:
  Mixup() = default;  // mixes nothing
  Mixup(double alpha, std::uint64_t seed);

  // Replaces batch.images by mixed ones, valid until the next call, and returns the labels of the partners. The larger
  // share stays with an image's own label. Allocates when a batch is larger than all before.
  MixedLabels mix(Batch& batch, std::int64_t step);

 private:
  double alpha_ = 0.0;
  std::uint64_t seed_ = 0;
  Tensor images_;
  std::vector<int> labels_;
};

double beta_draw(double alpha, const Rng& rng);  // from Beta(alpha, alpha), 0 < alpha <= 4 (Joehnk 1964)

}  // namespace fanin
