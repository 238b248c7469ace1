// The training loop. One epoch is one visible loop; what watches it (logs, progress, checkpoints) is a TrainObserver.
// All state is in the network, the optimizer and TrainProgress: saving these three and loading them continues bit for
// bit.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"
#include "core/train/batch.h"
#include "core/train/mixup.h"
#include "core/train/optimizer.h"
#include "core/train/schedule.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fanin {

struct TrainOptions {
  int epochs = 1;
  ScheduleOptions schedule = {};
  OptimizerOptions optimizer = {};
  bool reset_at_drops = false;  // the optimizer starts anew where a step schedule lowers the rate
  float label_smoothing = 0.0f;
  double mixup = 0.0;  // images and targets are mixed with shares from Beta(mixup, mixup); 0: never
  std::uint64_t seed = 1;
  std::int64_t max_steps = 0;  // stop (as finished) after so many training steps; 0: no limit
};

struct EpochRow {
  int epoch = 0;
  double train_loss = 0, train_accuracy = 0, test_loss = 0, test_accuracy = 0;  // means over images; accuracy in [0, 1]
  double learning_rate = 0;                                                     // of the epoch's last step
  double seconds = 0, images_per_second = 0;                                    // of training alone
  double waited = 0;  // seconds of them for batches; not kept in checkpoints
  double waited_share() const { return seconds > 0.0 ? waited / seconds : 0.0; }
  std::uint64_t weights_hash = 0;
};

struct StepRow {
  std::int64_t step = 0;  // counts from 1 over the whole run
  int epoch = 0, batch = 0;
  double loss = 0, accuracy = 0, learning_rate = 0;
};

struct TrainProgress {
  int epoch = 1;          // the epoch under way, from 1; epochs + 1 when finished
  int batch = 0;          // batches of it already done
  std::int64_t step = 0;  // training steps done in all
  double loss_sum = 0;    // of this epoch so far, over images
  std::int64_t correct = 0, images = 0;
  double seconds = 0;
  double waited = 0;           // seconds of them until the next batch was there; of this process only
  std::vector<EpochRow> rows;  // finished epochs
};

struct Divergence {
  std::int64_t step = 0;
  std::string node;    // the first node in forward order with a non-finite value, or the parameter or gradient that is
  std::string detail;  // "12 of 8192 values are not finite"
};

enum class TrainResult { finished, interrupted, diverged };

class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  virtual void after_step(const StepRow&, const TrainProgress&) {}
  virtual void after_epoch(const EpochRow&, const TrainProgress&) {}
  virtual bool should_stop() { return false; }  // asked after every step
};

struct Evaluation {
  double loss = 0, accuracy = 0, top5_accuracy = 0;
  int images = 0;
};
Evaluation evaluate(Network& net, BatchSource& source);

// XXH3 over all parameters (names, shapes, values in file order) and state buffers.
std::uint64_t weights_hash(const Network& net);

class Trainer {
 public:
  // The network must be prepared for the sources' largest batch and filled. `test` may be null.
  Trainer(Network& net, BatchSource& train, BatchSource* test, TrainOptions options);

  TrainResult run(TrainObserver& observer);  // from progress() to the end; call again to go on after an interruption

  TrainProgress& progress() { return progress_; }
  Optimizer& optimizer() { return optimizer_; }
  const Divergence& divergence() const { return divergence_; }  // meaningful after TrainResult::diverged

 private:
  TrainResult run_epoch(TrainObserver& observer);
  TrainResult finish_epoch(TrainObserver& observer);
  std::int64_t schedule_step(int batch) const;  // of the epoch under way
  Divergence find_divergence(ConstView images);

  Network& net_;
  BatchSource& train_;
  BatchSource* test_;
  TrainOptions options_;
  Optimizer optimizer_;
  TrainProgress progress_;
  Divergence divergence_;
  Tensor logit_gradient_;
  Mixup mixup_;
};

}  // namespace fanin
