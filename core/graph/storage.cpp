// SPDX-License-Identifier: MIT
#include "core/graph/storage.h"

#include <algorithm>

namespace fanin {

// Largest first, each at the lowest offset that is free during its whole life.
std::size_t assign_offsets(std::vector<Storage>& storages, bool share) {
  std::vector<std::size_t> order(storages.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return storages[a].floats > storages[b].floats; });
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

}  // namespace fanin
