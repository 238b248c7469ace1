// What steps over a network share: its weight layers in order, passes that leave no trace, and the size of outputs.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"
#include "core/train/batch.h"

#include <functional>
#include <string>
#include <vector>

namespace fanin {

// A convolution or linear layer: where its output appears, and what it owns.
struct WeightLayer {
  std::string node;
  Parameter* weight = nullptr;
  Parameter* bias = nullptr;  // null if it has none
};
std::vector<WeightLayer> weight_layers(Network& net);  // in the order of the forward pass

bool all_zero(const Parameter& parameter);
void scale(Parameter& parameter, double factor);

// While it lives, forward passes use batch statistics where the network allows it (dropout draws from `seed`, step 0)
// and show every output to `look`; afterwards running statistics are what they were.
class WatchedPasses {
 public:
  WatchedPasses(Network& net, std::uint64_t seed, std::function<void(std::string_view node, ConstView)> look = {});
  ~WatchedPasses();
  WatchedPasses(const WatchedPasses&) = delete;
  WatchedPasses& operator=(const WatchedPasses&) = delete;

  ConstView forward(const Batch& sample);

 private:
  class Look;
  Network& net_;
  std::unique_ptr<Look> look_;
  std::vector<std::vector<float>> kept_;
  std::uint64_t seed_;
};

// Mean and variance about it, of everything in a view (or of a channel: view.channels(c, 1)). Two passes in double, in order: no thread count
// changes them.
struct OutputMoments {
  double mean = 0, variance = 0;
};
OutputMoments output_moments(ConstView output);

}  // namespace fanin
