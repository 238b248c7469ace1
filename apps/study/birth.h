// A network at birth, over seeds: one batch, the same for every seed, through fresh weights each time, forward and
// backward in training mode. What is random here are the weights alone, so that a spread over seeds is the spread of an
// initialization. `probe` (probe.h) is the one-seed view of this that comparisons keep.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/session.h"
#include "apps/study/structure.h"
#include "apps/study/value_statistics.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fanin {

inline constexpr std::size_t kNodeBins = 24;

// One number per seed.
struct OverSeeds {
  std::vector<double> values;
  double mean() const;            // NaN for none
  double std() const;             // of a seed (n - 1); 0 for a single one
  double standard_error() const;  // of the mean
};

struct NodeBirth {
  std::string node, layer;
  std::vector<std::string> inputs;
  bool weighted = false;  // a convolution or linear layer
  OverSeeds mean, std, square;
  OverSeeds zeros, dead, saturated;  // shares; see value_statistics.h
  OverSeeds correlation;             // of pairs of images
  OverSeeds gradient_mean, gradient_std, gradient_square;
  Histogram values, gradients;  // all seeds together; the range is four times the first seed's root mean square
};

struct WeightBirth {
  std::string parameter, initializer;
  double fan_in = 0, fan_out = 0;
  std::optional<double> promised_std;
  OverSeeds std, norm, gradient_norm;
  OverSeeds ratio;                   // gradient_norm / norm
  MatrixStructure weight, gradient;  // of the first seed
};

struct Birth {
  std::string model, scheme;
  std::vector<std::uint64_t> seeds;
  int images = 0, classes = 0;
  OverSeeds loss;  // ln(classes) is that of knowing nothing
  std::vector<NodeBirth> nodes;
  std::vector<WeightBirth> weights;  // of rank 2 and more
};

// Images and labels that stay as the batch source goes on.
struct KeptBatch {
  Tensor images;
  std::vector<int> labels;
};
KeptBatch first_batch(Session& session);     // of the training set; throws ErrorKind::usage if it gives none
KeptBatch first_batch(BatchSource& source);  // likewise, of epoch 1

// Rows of every node and weight, without numbers.
Birth empty_birth(const Session& session);
// Passes the batch forward and backward in training mode through the weights that the network has, and adds a number to
// every row and counts to its histograms; structures stay as they are. Dropout draws from `seed`, step 0. What passes
// change: running statistics, gradients of weights, the random state.
void add_pass(Network& net, const KeptBatch& batch, std::uint64_t seed, Birth& birth);

// Seeds session.config.seed, + 1, ...; afterwards the network has the weights of the last one. `each`, if given, is
// called for every seed with its weights and gradients in place.
Birth birth(Session& session, int seeds, const KeptBatch& batch, const std::function<void()>& each = {});

}  // namespace fanin
