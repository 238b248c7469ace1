// What theory says about a network at birth, to stand next to what was measured (birth.h): second moments of every node
// for any graph (init/moments_forward.h, moments_backward.h), and for plain networks the phase they are in
// (init/mean_field.h).
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/birth.h"

namespace fanin {

struct NodePrediction {
  // Mean square of values: the two limits for what pools do, equal where nothing pools.
  std::optional<double> low, high;
  // Mean square of gradients, given that of the logits as measured: likewise, one for each of the two.
  std::optional<double> gradient_low, gradient_high;
  std::string reason;  // why a value is not known
};

// Session, network and batch as `birth` leaves them.
std::vector<NodePrediction> predict_birth(Session& session, const Birth& birth, const KeptBatch& batch);

// Of a network without sums, concats and norms, with one activation: what its layers do, if all were alike.
struct Phase {
  std::string activation;
  // v * fan_in and the bias variance of layers that read an activation: smallest and largest. What follows is about
  // the geometric mean of the former and the mean of the latter.
  double lowest = 0, highest = 0, weight_variance = 0, bias_variance = 0;
  std::optional<double> length;    // q*; nothing: without bound
  std::optional<double> chi1;      // at q*
  std::optional<double> depth;     // layers over which correlations fall by e; infinite at the critical point
  std::optional<double> critical;  // the weight variance of the critical point at this bias variance
};
std::optional<Phase> phase_of(const Session& session);

}  // namespace fanin
