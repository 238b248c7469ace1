// SPDX-License-Identifier: MIT
#include "core/graph/storage.h"

#include <algorithm>

namespace fanin {

void slice_concats(const std::vector<PlanNode>& nodes, Groups& groups) {
  for (std::size_t i = nodes.size(); i-- > 0;) {
    if (nodes[i].kind != NodeKind::concat) continue;
    int channel = 0;
    for (const int x : nodes[i].inputs) {
      const PlanNode& operand = nodes[static_cast<std::size_t>(x)];
      if (operand.kind != NodeKind::input) groups.make_slice(x, static_cast<int>(i), channel);
      channel += operand.shape.channels;
    }
  }
}

namespace {

// In this order, each at the lowest offset that is free during its whole life.
std::size_t assign_in_order(const std::vector<std::size_t>& order, std::vector<Storage>& storages, bool share) {
  std::vector<const Storage*> placed;  // by offset
  std::size_t arena = 0;
  for (const std::size_t index : order) {
    Storage& s = storages[index];
    std::size_t offset = 0;
    for (const Storage* other : placed) {
      const bool together = s.first_use <= other->last_use && other->first_use <= s.last_use;
      if (share && !together) continue;
      if (offset + s.floats <= other->offset) break;
      offset = std::max(offset, other->offset + other->floats);
    }
    s.offset = offset;
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &s,
                                   [](const Storage* a, const Storage* b) { return a->offset < b->offset; }),
                  &s);
    arena = std::max(arena, offset + s.floats);
  }
  return arena;
}

}  // namespace

// The largest first, or those that live longest first (most of them lie like nested brackets): whichever needs less.
std::size_t assign_offsets(std::vector<Storage>& storages, bool share) {
  const auto sorted_by = [&](auto key) {
    std::vector<std::size_t> order(storages.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return key(storages[a]) > key(storages[b]); });
    return order;
  };
  std::vector<Storage> other = storages;
  const std::size_t by_size = assign_in_order(sorted_by([](const Storage& s) { return s.floats; }), storages, share);
  const std::size_t by_life =
      assign_in_order(sorted_by([](const Storage& s) { return s.last_use - s.first_use; }), other, share);
  if (by_life < by_size) storages = std::move(other);
  return std::min(by_size, by_life);
}

}  // namespace fanin
