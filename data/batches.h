// Batches of a split: shuffled by (seed, epoch), augmented by (seed, epoch, image), normalized, prepared ahead by one
// thread. None of this depends on the thread count or on timing.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/train/batch.h"
#include "data/augment.h"
#include "data/dataset.h"

#include <memory>

namespace fanin {

struct BatchOptions {
  int batch_size = 128;
  bool shuffle = true;
  bool drop_last = true;  // drop an incomplete last batch
  std::uint64_t seed = 1;
  Augmentation augmentation = {};
};

// The data set must outlive the source. Throws ErrorKind::usage if batch_size exceeds the split and drop_last is set.
std::unique_ptr<BatchSource> make_batches(const Dataset& dataset, const Split& split, const BatchOptions& options);

}  // namespace fanin
