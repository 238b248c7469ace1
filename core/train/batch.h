// What training eats: batches in a fixed order. data/ implements the source; core/train knows only this.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/tensor.h"

#include <span>

namespace fanin {

struct Batch {
  ConstView images;             // normalized and augmented, (N, H, W, C)
  std::span<const int> labels;  // N class indices
};

class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual void start_epoch(int epoch, int first_batch = 0) = 0;  // epochs count from 1; skips to first_batch exactly
  virtual bool next(Batch& batch) = 0;  // false at the end; views are valid until the next call
  virtual int batches_per_epoch() const = 0;
  virtual int images_per_epoch() const = 0;
  virtual int largest_batch() const = 0;
};

}  // namespace fanin
