// SGD with momentum, Adam and AdamW with the arithmetic of torch.optim, over the network's flat arenas.
//   clip   g *= min(1, clip_norm / (|g| + 1e-6)), |g| over all parameters (torch.nn.utils.clip_grad_norm_)
//   sgd    g += decay * w;  m = g on the first step, else momentum * m + (1 - dampening) * g;
//          w -= lr * (nesterov ? g + momentum * m : m)
//   adam   decay is added to g (Kingma & Ba 2015)
//   adamw  w -= lr * decay * w first (Loshchilov & Hutter 2019)
// Where nothing needs all gradients at once, each parameter is updated as soon as the backward pass has its gradient.
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
  // The learning rate of a group (weight, bias, norm, scalar) times a number: "scalar=0.1" as Fixup does.
  std::vector<std::string> lr_groups = {};
  double clip_norm = 0.0;  // 0: gradients are not clipped
};

void check(const OptimizerOptions&);  // throws ErrorKind::usage

class Optimizer {
 public:
  // Clipping needs a network that keeps its gradients.
  Optimizer(Network& net, OptimizerOptions options);
  // The backward pass and a step, together where the network does not keep its gradients. Allocates nothing.
  void backward_and_step(ConstView output_gradient, double learning_rate);
  void step(double learning_rate);  // by the gradients that the network keeps
  void reset();                     // as new: forgets momentum and moments

  // For checkpoints: "momentum" or "first", "second"; each as long as net.values().
  struct State {
    std::string name;
    std::span<float> value;
  };
  std::vector<State> state();
  std::uint64_t steps() const { return steps_; }
  void set_steps(std::uint64_t steps) { steps_ = steps; }

 private:
  struct Group {
    float decay;
    double rate;  // a factor
  };
  struct Part {  // of a parameter, with what the update needs
    std::size_t count;
    float *w, *first, *second;
    const float* g;
    float decay, rate, clip;
  };
  void update(std::size_t index, double learning_rate, float clip);  // of a parameter, by its gradient
  void sgd(const Part& part) const;
  void adam(const Part& part) const;
  float clip_factor();

  Network& net_;
  OptimizerOptions options_;
  const std::vector<Parameter*> parameters_;
  std::vector<Group> groups_;  // of each parameter
  Buffer first_, second_;
  std::vector<double> block_squares_;  // of the gradient, for its norm
  std::uint64_t steps_ = 0;
};

}  // namespace fanin
