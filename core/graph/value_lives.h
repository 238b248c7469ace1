// When each value is needed: forward, from its node to its last reader, and in the backward pass. In between a value can
// be given up if it is cheap to compute again: ReLU(a + b), whose operands the backward pass needs anyway. In a ResNeXt
// these are the widest values, two of five of its memory, for one pass over them.
//   - In a stage every such value is an operand of the next. To compute the last, all before it would have to be there
//     again at once; instead it is computed through up to kThrough - 1 of them, which stay in registers.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/fuse.h"

#include <limits>
#include <vector>

namespace fanin {

struct Life {
  int first = std::numeric_limits<int>::max(), last = -1;  // times (plan.h), both inclusive
  bool empty() const { return last < first; }
  void extend(const Life& other);
};

inline constexpr int kThrough = 3;  // values of a chain that are computed in one pass

struct ValueLife {
  Life forward;
  Life backward;       // empty: nobody reads it there
  bool again = false;  // computed again before its first reader there
  int through = -1;    // the operand that is computed on the way, if it is not there itself
};

// Used by PlanOptions as the default: on, unless FANIN_RECOMPUTE=0 in the environment or set_recomputation(false).
bool recomputation();
void set_recomputation(bool on);

// `again`: the nodes to compute twice, ascending; of those that may_compute_again.
std::vector<ValueLife> value_lives(const std::vector<PlanNode>& nodes, const PlanOptions& options, const Fusion& fusion,
                                   const std::vector<int>& again);

// As far as the graph is concerned; the value must not share its memory with others besides.
std::vector<int> may_compute_again(const std::vector<PlanNode>& nodes, const PlanOptions& options,
                                   const Fusion& fusion);

}  // namespace fanin
