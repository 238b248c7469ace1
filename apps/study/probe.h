// The signal at birth: how large values and gradients are at every node before the first step, and whether the weights
// have the variance that their initializers promise. One batch, one forward and one backward pass in training mode.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/session.h"

#include <optional>
#include <string>
#include <vector>

namespace fanin {

struct NodeSignal {
  std::string node, layer;
  double value_mean = 0, value_std = 0, gradient_std = 0;  // over images, pixels and channels
  double zeros = 0;                                        // share of values that are exactly 0
  bool weighted = false;                                   // a convolution or linear layer
};

struct WeightSignal {
  std::string parameter, initializer;
  double fan_in = 0, fan_out = 0;
  std::optional<double> promised_std;
  double measured_std = 0;
};

struct SignalProfile {
  std::string model, scheme;
  int images = 0, classes = 0;
  double loss = 0;  // of the batch at birth; ln(classes) is that of knowing nothing
  std::vector<NodeSignal> nodes;
  std::vector<WeightSignal> weights;  // of rank 2 and more
};

SignalProfile probe(Session& session);  // initializes the session's network

std::string to_json(const SignalProfile& profile);
SignalProfile profile_from_json(const std::string& text, const std::string& source);  // throws ErrorKind::input

}  // namespace fanin
