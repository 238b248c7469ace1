// A search over one scale for each weight, for initializations that minimize something: where the authors differentiate
// twice, this compares. In turn each convolution's and linear layer's weights are multiplied and divided by e^step; what
// lowers the objective stays. A round without success halves the step, until kLastStep had one. The objective only
// falls, and no random numbers are used.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/layer_pass.h"
#include "init/network_initializer.h"

#include <string>

namespace fanin {

inline constexpr double kFirstStep = 0.4, kLastStep = 0.05;  // of the logarithm of a scale
inline constexpr double kLeastGain = 1e-3;                   // relative; below that a change is taken for rounding

using Objective = std::function<double()>;  // of the network as it is; smaller is better

// Changes the weights. Stops after `rounds` even if it could go on.
void search_scales(const std::vector<WeightLayer>& layers, const Objective& objective, int rounds);

// The largest relative gain that one more step of kLastStep would bring; 0 if none.
double possible_gain(const std::vector<WeightLayer>& layers, const Objective& objective);

// The mean loss of a batch and, in the parameters, its gradients; batch statistics, as in training.
double loss_and_gradients(Network& net, WatchedPasses& passes, const Batch& batch);

// An initializer that searches scales; `property`: what no further step of kLastStep does to the objective.
class ScaleSearch : public NetworkInitializer {
 public:
  ScaleSearch(std::string property, int rounds) : property_(std::move(property)), rounds_(rounds) {}
  bool needs_sample() const override { return true; }
  bool needs_gradients() const override { return true; }
  bool changes(Role role) const override { return role == Role::conv_weight || role == Role::linear_weight; }
  void apply(Network& net, const Batch& sample, std::uint64_t seed) const override;
  Property check(Network& net, const Batch& sample, std::uint64_t seed) const override;

 private:
  virtual double objective(Network& net, WatchedPasses& passes, const Batch& sample) const = 0;

  const std::string property_;
  const int rounds_;
};

}  // namespace fanin
