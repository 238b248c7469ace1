// What `fanin probe` measures at birth, of a network in training: after every epoch, and before the first, one fixed
// batch goes forward and backward. The batch is the first kRecordImages images at most of epoch 1, without augmentation;
// BatchNorm uses the batch's statistics, and its running ones, the random streams and so the run stay as they are.
//   node_record.csv        a row an epoch and node
//     weighted               1 for a convolution or linear layer, else 0
//     mean, std, rms         of the values, over images, pixels and channels
//     zeros, dead, saturated shares, as in value_statistics.h: of values, of channels, of values
//     pair_correlation       of images
//     gradient_mean, gradient_std, gradient_rms   of dL/dx; L is the batch's mean cross-entropy, without decay,
//                            label smoothing and mixup. Empty where nobody needs the gradient
//   node_histograms.csv    two rows an epoch and node, `of` is value or gradient: kNodeBins equal bins from `low` to
//                          `high`, which are -4 and 4 times the rms; what lies outside is in the outermost
//   weight_gradients.csv   a row an epoch and weight of rank 2 and more: std, norm |w|, gradient_norm |g|, and
//                          gradient_to_weight |g| / |w|, g by the fixed batch
// An epoch takes one pass in which every node keeps its value (watched_memory), and reads all of them three times.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/birth.h"
#include "apps/study/epoch_csv.h"

#include <functional>
#include <string>
#include <vector>

namespace fanin {

inline constexpr int kRecordImages = 128;

class NodeRecord {
 public:
  NodeRecord(Session& session, const io::Path& folder);  // throws ErrorKind::usage if there is no image
  void put(int epoch);                                   // of the weights that the network has; 0 is birth

 private:
  Session& session_;
  const KeptBatch batch_;
  EpochCsv nodes_, histograms_, weights_;
};

// A row of node_record.csv; NaN where a cell is empty or not finite.
struct NodeRow {
  int epoch = 0;
  std::string node;
  bool weighted = false;
  double rms = 0, gradient_rms = 0;
};
struct NodeHistogram {
  int epoch = 0;
  std::string node;
  bool gradient = false;
  Histogram histogram;
};
// Empty where there is no such file; throw ErrorKind::input, naming file and line, where it is damaged. Histograms are
// those that `wanted` asks for.
std::vector<NodeRow> read_node_record(const io::Path& file);
std::vector<NodeHistogram> read_node_histograms(const io::Path& file,
                                                const std::function<bool(int epoch, std::string_view node)>& wanted);

}  // namespace fanin
