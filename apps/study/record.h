// record.csv of a run: how large each weight is after every epoch, and how fast it moves. A row an epoch and weight of
// rank 2 and more; all of it about the epoch's last step.
//   norm                |w|
//   gradient_to_weight  |g| / |w|, g as backward left it: of the last batch, before weight decay
//   update_to_weight    |w - w before the step| / |w|
//   effective_rate      learning rate / |w|^2, the rate with the factor of the weights' group: what counts for a weight in
//                       front of a BatchNorm, whose scale changes nothing (van Laarhoven 2017)
// weight_histograms.csv: the elements of each weight at birth (epoch 0) and after every epoch, in kWeightBins equal bins
// from `low` to `high`, which are the negative and positive of the largest magnitude.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/epoch_csv.h"
#include "apps/study/value_statistics.h"
#include "core/graph/network.h"

namespace fanin {

class TrainingRecord {
 public:
  TrainingRecord(const Network& net, const io::Path& folder, bool on);
  void start(bool at_birth);  // weights are as they are before the next step; at birth, that is the first of all
  void after_step();          // remembers how far the weights have moved
  // Replaces the rows of this epoch and later ones, if there are any: an epoch may be done again after a crash.
  void after_epoch(int epoch, double learning_rate);

 private:
  void remember();
  void write_histograms(int epoch);

  const Network& net_;
  const bool on_;
  EpochCsv speeds_, histograms_;
  std::vector<float> before_;
  std::vector<double> moved_;  // |w - before| of each row
};

inline constexpr int kWeightBins = 24;

// A row of weight_histograms.csv.
struct WeightHistogram {
  int epoch = 0;
  std::string weight;
  Histogram histogram;
};
// Empty where there is no such file; throws ErrorKind::input, naming file and line, where it is damaged.
std::vector<WeightHistogram> read_weight_histograms(const io::Path& file);

}  // namespace fanin
