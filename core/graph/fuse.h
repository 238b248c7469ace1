// Which values of a network never exist. Layers say what they offer (layer.h); this decides, once, on the static graph.
//   - A BatchNorm or ReLU whose readers can all compute it while they load has no memory: it is read from its source.
//   - A convolution that is the last operand of a sum writes the sum itself.
//   - A ReLU of a sum computes the sum on the way, and reads operands that do not exist. In evaluation the convolution
//     behind whose BatchNorm the sum comes does both, and writes the ReLU's value.
//   - Such a ReLU has no pass of its own where the convolution that reads it first computes it while loading it.
//   - The statistics of a value are taken by whoever writes it, once a channel: a concat's are its operands'.
//   - The last reader to add to the gradient of a missing value finishes it: mask of the ReLU, sums of the BatchNorm.
//   - Where that is a convolution and the only reader, there is no such gradient at all: it goes, times BatchNorm's
//     factor, straight into the gradient of BatchNorm's input. What it lacks there is known when all images are done; it
//     is the same for all pixels but for a slope in x, adds up over the BatchNorms that read a channel (in a dense block
//     all later ones), and is put right once, before that gradient is read or while a convolution loads it.
//   - That reader may be the convolution that reads ReLU(a + b): it finishes the gradient of both operands.
//   - A BatchNorm whose sums are known before its turn, behind a convolution that nobody else reads, has no pass over its
//     gradient: the convolution puts it right while it loads.
// Values that exist are computed as without fusion. Time, and so the lives of gradients, does not change.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/layer.h"

#include <vector>

namespace fanin {

struct PlanNode;
struct PlanOptions;

// Used by PlanOptions as the default: on, unless FANIN_FUSE=0 in the environment or set_fusion(false).
bool fusion();
void set_fusion(bool on);

// How the value of a node is read: from a stored one, through its BatchNorm and ReLU. -1: none.
struct Reading {
  int source = -1;
  int norm = -1;
  bool relu = false;
};

// Whether the gradient of a node lacks what BatchNorms know afterwards, and is put right before its own backward pass,
// in memory, or while that loads it.
enum class Corrected { no, first, at_load };

struct FusedNode {
  Reading value;
  int writes = -1;        // the node whose value the forward pass of this one computes: itself, a sum, a ReLU, or none
  int joins = -1;         // a ReLU that computes this sum on the way
  int joined_by = -1;     // such a ReLU: the convolution that computes it while loading it
  int finishes = -1;      // the missing node whose gradient is complete after the backward pass of this one
  bool finished = false;  // some node finishes the gradient of this one
  int sums_by = -1;       // BatchNorm: the node that takes the sums of its backward pass
  int moments = -1;       // training: where the statistics of its channels are in the table of all of them
  bool passed_on =
      false;  // its gradient does not exist: it is part of that of value.source (BatchNorm, ReLU behind it)
  Corrected corrected = Corrected::no;
  int loaded_through = -1;  // its gradient does not exist: that of this BatchNorm is read, and put right at the load
  bool corrected_at_load() const { return corrected == Corrected::at_load; }
  bool stored() const { return value.norm < 0 && !value.relu && value.source >= 0; }
};

struct Fusion {
  std::vector<FusedNode> nodes;
  int moment_channels = 0;  // size of that table
  const FusedNode& at(int id) const { return nodes[static_cast<std::size_t>(id)]; }
  // The node in whose gradient that of `id` goes.
  int gradient_of(int id) const { return at(id).passed_on ? at(id).value.source : id; }
};

Fusion fuse(const std::vector<PlanNode>& nodes, const PlanOptions& options);  // nothing is fused unless options.fuse

}  // namespace fanin
