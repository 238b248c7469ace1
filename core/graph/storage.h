// Tools of the plan: which nodes share memory, and where in the arena each storage lies.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/plan.h"

#include <numeric>
#include <vector>

namespace fanin {

// Nodes whose value (or gradient) is the same memory form a group. A group may be a channel slice of another group's
// storage.
class Groups {
 public:
  explicit Groups(int nodes)
      : leader_(static_cast<std::size_t>(nodes)),
        parent_(leader_.size(), -1),
        offset_(leader_.size(), 0),
        sliced_(leader_.size(), false) {
    std::iota(leader_.begin(), leader_.end(), 0);
  }
  int leader(int node) const {
    while (leader_[at(node)] != node) node = leader_[at(node)];
    return node;
  }
  void join(int node, int other) {  // the group of `node` continues in the memory of `other`'s group
    const int from = leader(node), to = leader(other);
    if (from == to) return;
    if (parent_[at(from)] >= 0) {
      parent_[at(to)] = parent_[at(from)];
      offset_[at(to)] = offset_[at(from)];
    }
    sliced_[at(to)] = sliced_[at(to)] || sliced_[at(from)];
    leader_[at(from)] = to;
  }
  bool is_slice(int node) const { return parent_[at(leader(node))] >= 0; }
  bool has_slices(int node) const { return sliced_[at(leader(node))]; }
  bool plain(int node) const { return !is_slice(node) && !has_slices(node); }
  bool alone(int node) const {  // in its group
    for (int other = 0; other < static_cast<int>(leader_.size()); ++other)
      if (other != node && leader(other) == leader(node)) return false;
    return true;
  }
  // False if the group already is a slice of something.
  bool make_slice(int node, int whole, int first_channel) {
    const int group = leader(node);
    if (is_slice(node) || group == leader(whole)) return false;
    parent_[at(group)] = whole;
    offset_[at(group)] = first_channel;
    sliced_[at(leader(whole))] = true;
    return true;
  }
  // The group that owns the memory, and the channel at which `node` starts in it.
  Place root(int node) const {
    int group = leader(node), channel = 0;
    while (parent_[at(group)] >= 0) {
      channel += offset_[at(group)];
      group = leader(parent_[at(group)]);
    }
    return {group, channel};
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  std::vector<int> leader_, parent_, offset_;
  std::vector<bool> sliced_;
};

// Makes the operands of a concat slices of it; later concats first, so that a chain of concats ends up in the storage of
// the last one.
void slice_concats(const std::vector<PlanNode>& nodes, Groups& groups);

// Gives every storage an offset such that no two that live at the same time overlap; without `share` no two overlap at
// all.
// Returns the floats that the arena needs.
std::size_t assign_offsets(std::vector<Storage>& storages, bool share);

}  // namespace fanin
