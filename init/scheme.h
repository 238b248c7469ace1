// A scheme: what a whole network starts from. Schemes of rules give each parameter the initializer of the last rule
// that matches it; later kinds may look at data.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"
#include "core/train/batch.h"
#include "init/initializer.h"

#include <memory>
#include <string>
#include <vector>

namespace fanin {

class NetworkInitializer;  // init/network_initializer.h

class Scheme {
 public:
  virtual ~Scheme() = default;
  virtual std::string describe() const = 0;
  // Fills every parameter of a prepared network. Throws ErrorKind::usage if a rule matches nothing or a parameter is
  // left unfilled.
  // `sample` is a normalized batch for schemes that look at data (step()->needs_sample()); others ignore it.
  virtual void apply(Network& net, const Batch& sample, std::uint64_t seed,
                     StreamKind stream = StreamKind::philox) const = 0;
  // Of one parameter: what fills it, and the rule that says so, "default" if none does.
  virtual const Initializer& initializer(const Parameter& parameter) const = 0;
  virtual std::string rule(const Parameter& parameter) const = 0;

  // "normal, variance 2 / fan_in", and the promised variance if there is one.
  virtual std::string describe(const Parameter& parameter) const { return initializer(parameter).describe(); }
  virtual std::optional<double> variance(const Parameter& parameter) const {
    return initializer(parameter).variance(parameter.shape);
  }
  // What happens to the network after every parameter was filled; null if nothing.
  virtual const NetworkInitializer* step() const { return nullptr; }
};

// "conv", "linear_bias", or a glob over parameter names: "fc.*", "*.bn2.weight".
struct Rule {
  std::string pattern;
  InitializerPtr initializer;
  bool optional = false;     // may match nothing
  bool constructor = false;  // PyTorch's own default: in its stream, the value that construction drew stays
};

// What happens in PyTorch's stream, where the order of draws decides the values.
struct TorchProgram {
  bool constructs = true;  // layers are constructed first, and draw their defaults
  enum class Order { construction, classifier_first, functional_wrn } order = Order::construction;
};

// Later rules win. What no rule matches has a default where one is customary: biases and shifts 0, norm scales and
// scalar multipliers 1, and weights what the other kind of weights (conv, linear) has by rule of its role.
std::unique_ptr<Scheme> by_rules(std::string name, std::vector<Rule> rules, TorchProgram program = {});

const std::vector<std::string>& role_patterns();  // "conv", "linear", "bias", "conv_bias", ...

}  // namespace fanin
