// Where every value and gradient of a network lives. Shapes are static, so all of it is decided once, before the first
// step.
//   - Time runs over the nodes forward (node i at time i), then backward (node i at time 2n - 1 - i).
//   - A storage is one (pixels x channels) matrix. A concat is a storage whose operands are channel slices of it: no
//     bytes move.
//   - A layer that may, works in place; the operands of a sum share the sum's gradient; storages that never live at the
//     same time share memory.
//   - A value that is cheap to compute again (value_lives.h) may have two storages: one forward, one in the backward pass.
// With PlanOptions::share off every value and gradient has memory of its own: the slow twin that tests compare with.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/fuse.h"
#include "core/graph/layer.h"
#include "core/graph/value_lives.h"

#include <utility>
#include <vector>

namespace fanin {

enum class NodeKind { input, layer, sum, concat };

struct PlanNode {
  NodeKind kind = NodeKind::layer;
  std::vector<int> inputs;  // smaller ids
  Shape shape;              // of one image
  BackwardNeeds needs;      // layers only, like those below
  bool forward_in_place = false, backward_in_place = false;
  Offers offers;
  // Floats, for PlanOptions::images; of either pass. Parameter gradients that are not kept lie in front of the latter.
  std::size_t forward_scratch = 0, scratch = 0;
};

struct PlanOptions {
  int images = 1;           // largest batch
  int output = 0;           // node whose value and gradient the caller handles
  Mode mode = Mode::train;  // evaluate: no gradients, and values die after their last forward use
  bool share = true;
  bool fuse = fusion();              // whether values may be left out (fuse.h); the results agree up to rounding
  bool recompute = recomputation();  // whether values may be given up where that saves memory; the same bits
  // Whether the gradients of all parameters are there at once, after a backward pass. Otherwise those of one layer are,
  // while a GradientReader reads them (network.h); the same bits.
  bool keep_gradients = true;
};

struct Place {
  int storage = -1;  // -1: not in the arena (the network's input; gradients in Mode::evaluate; values left out; none)
  int first_channel = 0;
};

struct Storage {
  std::size_t offset = 0, floats = 0;  // in the arena
  int channels = 0;                    // pixel stride
  int first_use = 0, last_use = 0;     // times, both inclusive
};

// What the backward pass of a node does with the gradient of one of its inputs.
struct GradientEdge {
  bool wanted = false;   // false: the network's input
  bool aliased = false;  // the memory is shared: nothing to do (sum, concat)
  Write write = Write::overwrite;
  std::vector<std::pair<int, int>> clear;  // (first channel, count) of the input's gradient to zero before adding
};

struct Plan {
  std::vector<Place> value, gradient;  // per node
  // Per node: where the value is in the backward pass, if elsewhere than in forward; the operand that it is then computed
  // through, or -1; and the values that are computed again before the node's backward pass, in order.
  std::vector<Place> value_again;
  std::vector<int> again_through;
  std::vector<std::vector<int>> compute_again;
  std::vector<Storage> storages;
  std::vector<std::vector<GradientEdge>> edges;  // per node and input
  std::size_t arena_floats = 0;

  bool fused = false;  // as PlanOptions::fuse
  Fusion fusion;
  // Storages, -1 for none, of [image][2][channel] numbers between two nodes: the moments of what a node computes, until
  // they are joined; the sums of a BatchNorm's backward pass.
  std::vector<int> moments, sums;  // per node
  // What layers need while they run: all share `scratch_floats` outside the arena, which thus stay in the cache. Only who
  // needs more than a cache has storages (-1: none) of its own, at the times when it runs.
  std::size_t scratch_floats = 0;
  std::vector<int> scratch_forward, scratch_backward;  // per node
  std::size_t activation_floats() const;               // what the arena would need without these
};

std::vector<std::vector<int>> consumers_of(const std::vector<PlanNode>& nodes);  // of each node, ascending

Plan make_plan(const std::vector<PlanNode>& nodes, const PlanOptions& options);

}  // namespace fanin
