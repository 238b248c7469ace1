// SGD with momentum, Adam and AdamW with the arithmetic of torch.optim, over the network's flat arenas.
//   sgd    g += decay * w;  m = g on the first step, else momentum * m + (1 - dampening) * g;
//          w -= lr * (nesterov ? g + momentum * m : m)
//   adam   decay is added to g (Kingma & Ba 2015)
//   adamw  w -= lr * decay * w first (Loshchilov & Hutter 2019)
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fanin {

struct OptimizerOptions {
  std::string kind = "sgd";  // sgd, adam, adamw
  double momentum = 0.9, dampening = 0.0;
  bool nesterov = true;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 5e-4;
  // Roles without decay: any of "bias", "norm", "scalar"; empty as in the five source systems.
  std::vector<std::string> no_decay = {};
};

void check(const OptimizerOptions&);  // throws ErrorKind::usage

class Optimizer {
 public:
  Optimizer(Network& net, OptimizerOptions options);
  void step(double learning_rate);  // allocates nothing

  // For checkpoints: "momentum" or "first", "second"; each as long as net.values().
  struct State {
    std::string name;
    std::span<float> value;
  };
  std::vector<State> state();
  std::uint64_t steps() const { return steps_; }
  void set_steps(std::uint64_t steps) { steps_ = steps; }

 private:
  struct Range {  // a parameter in the arena
    std::size_t begin, size;
    float decay;
  };
  void sgd(float* w, const float* g, std::size_t begin, std::size_t end, float decay, float rate);
  void adam(float* w, const float* g, std::size_t begin, std::size_t end, float decay, float rate);

  Network& net_;
  OptimizerOptions options_;
  std::vector<Range> ranges_;
  Buffer first_, second_;
  std::uint64_t steps_ = 0;
};

}  // namespace fanin
