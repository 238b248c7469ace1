// Training inside lessons: one network, one data set, some steps, and the loss of every one of them.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/train/trainer.h"
#include "data/dataset.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fanin {

struct Exercise {
  std::string model, scheme;
  double rate = 0.1, momentum = 0.0, weight_decay = 0.0;
  int batch = 64, steps = 100;
  std::uint64_t seed = 1;
  double stop_below = 0.0;  // ends when the mean loss of the last `window` steps is below this; 0: never
  int window = 10;
  double stop_above = 0.0;  // ends when a step's loss is above this; 0: never
  std::string optimizer = "sgd";
  bool test = false;                        // evaluate the test images at the end
  std::vector<std::string> lr_groups = {};  // as --lr-groups of fanin train: "scalar=0.1"
};

struct Exercised {
  std::vector<double> loss, accuracy;  // of every step's batch, before the step
  double test_accuracy = 0.0;          // 0 if it diverged
  bool diverged = false;               // a loss was not finite; `loss` ends before it
  // Means over the last steps: infinity and 0 if it diverged.
  double last_loss(int steps = 20) const;
  double last_accuracy(int steps = 20) const;
  // The first step (from 1) at which the mean loss of `window` steps is below `target`; nothing if there is none.
  std::optional<int> steps_to(double target, int window = 10) const;
};

// Plain SGD unless told otherwise; no augmentation; images normalized by the data's constants. `each` sees the network
// after every step (counted from 1), and before the first one as step 0.
Exercised exercise(const Dataset& data, const Exercise& exercise,
                   const std::function<void(int step, Network& net)>& each = {});

// Calls work(0), ..., work(count - 1) on all threads at once, each call on one thread: networks as small as those of
// lessons are faster so than with every layer spread over threads, and the bits are the same. `done` is called after
// each, never twice at a time. Rethrows the failure of the lowest index.
void in_parallel(int count, const std::function<void(int)>& work, const std::function<void(int)>& done = {});

}  // namespace fanin
