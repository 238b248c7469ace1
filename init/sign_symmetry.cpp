// SPDX-License-Identifier: MIT
#include "init/sign_symmetry.h"

namespace fanin {

namespace {

using Flags = std::vector<bool>;
using Kind = Traits::Kind;

bool is_odd(const Traits& t) { return t.function == "identity" || t.function == "tanh" || t.function == "softsign"; }

// Does f(-x) = -f(x) hold for the node as a function of its one input?
bool passes_signs(const NodeSummary& node, const LayerLaw& law) {
  switch (node.traits.kind) {
    case Kind::activation: return is_odd(node.traits);
    case Kind::conv:
    case Kind::linear:
    case Kind::batch_norm:
    case Kind::scalar_bias: return law.shift_square == 0.0;
    case Kind::average_pool:
    case Kind::global_average:
    case Kind::flatten:
    case Kind::pad_channels:
    case Kind::dropout:
    case Kind::scalar_multiplier: return true;
    default: return false;
  }
}

}  // namespace

SignSymmetry::SignSymmetry(const GraphMoments& graph) {
  const std::size_t count = graph.nodes.size();
  for (std::size_t i = 0; i < count; ++i) {
    const NodeSummary& node = graph.nodes[i];
    Flags turns(count), depends(count);
    const std::vector<std::size_t>& inputs = graph.inputs[i];
    for (const std::size_t x : inputs)
      for (std::size_t w = 0; w < count; ++w) depends[w] = depends[w] || depends_[x][w];
    if (inputs.size() == 2)
      for (std::size_t w = 0; w < count; ++w) turns[w] = turns_[inputs[0]][w] && turns_[inputs[1]][w];
    else if (inputs.size() == 1 && passes_signs(node, graph.laws[i]))
      turns = turns_[inputs[0]];
    if (node.traits.kind == Kind::conv || node.traits.kind == Kind::linear) {
      depends[i] = true;
      // With a random bias of mean 0 the bias turns with the weights.
      turns[i] = graph.laws[i].centred && graph.laws[i].shift_mean == 0.0;
    }
    turns_.push_back(std::move(turns));
    depends_.push_back(std::move(depends));
  }
}

bool SignSymmetry::uncorrelated(std::size_t a, std::size_t b) const {
  for (std::size_t w = 0; w < turns_.size(); ++w)
    if ((turns_[a][w] && !depends_[b][w]) || (turns_[b][w] && !depends_[a][w])) return true;
  return false;
}

}  // namespace fanin
