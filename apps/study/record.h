// record.csv of a run: how large each weight is after every epoch, and how fast it moves. A row an epoch and weight of
// rank 2 and more; all of it about the epoch's last step.
//   norm                |w|
//   gradient_to_weight  |g| / |w|, g as backward left it: of the last batch, before weight decay
//   update_to_weight    |w - w before the step| / |w|
//   effective_rate      learning rate / |w|^2: what counts for a weight in front of a BatchNorm, whose scale changes
//                       nothing (van Laarhoven 2017)
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"
#include "core/io/file.h"

namespace fanin {

class TrainingRecord {
 public:
  TrainingRecord(const Network& net, io::Path file, bool on) : net_(net), file_(std::move(file)), on_(on) {}
  void start();       // weights are as they are before the next step
  void after_step();  // remembers how far the weights have moved
  // Replaces the rows of this epoch and later ones, if there are any: an epoch may be done again after a crash.
  void after_epoch(int epoch, double learning_rate);

 private:
  const Network& net_;
  const io::Path file_;
  const bool on_;
  std::vector<float> before_;
  std::vector<double> moved_;  // |w - before| of each row
};

}  // namespace fanin
