// Where residual branches are, read off the graph: initializers know no models. A sum joins two ways from the node where
// they part; the one with more weight layers is the branch, the other the shortcut.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/layer_pass.h"

namespace fanin {

struct ResidualBranch {
  std::string sum, end;             // the node of the sum, and its operand that the branch ends in
  std::vector<WeightLayer> layers;  // convolutions and linear layers of the branch, in order
  Parameter* last_norm = nullptr;   // the scale of a norm behind the last layer
  Parameter* multiplier = nullptr;  // the scalar behind it (models with residual=skipinit, rezero or fixup)
};

std::vector<ResidualBranch> residual_branches(Network& net);  // in order; empty for plain networks

// The same, of a network that must have some: throws ErrorKind::usage, naming `scheme` and networks that have.
std::vector<ResidualBranch> required_branches(Network& net, const char* scheme);

// The largest magnitude of what the branches add to their sums.
double largest_addition(Network& net, const std::vector<ResidualBranch>& branches, const Batch& sample,
                        std::uint64_t seed);

}  // namespace fanin
