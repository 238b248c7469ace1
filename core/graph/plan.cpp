// SPDX-License-Identifier: MIT
#include "core/graph/plan.h"

#include "core/graph/edges.h"
#include "core/graph/gradient_lives.h"
#include "core/graph/storage.h"

#include <algorithm>

namespace fanin {

namespace {

constexpr std::size_t kAlignFloats = 16;                      // storages start on cache lines
constexpr std::size_t kSharedScratch = std::size_t{1} << 20;  // floats, 4 MiB: the L2 caches of a few cores

class Planner {
 public:
  Planner(const std::vector<PlanNode>& nodes, const PlanOptions& options)
      : nodes_(nodes),
        options_(options),
        count_(static_cast<int>(nodes.size())),
        consumers_(consumers_of(nodes)),
        values_(count_) {
    plan_.fused = options.fuse;
    plan_.fusion = fuse(nodes, options);
    group_values();
  }

  // `again`: values to compute twice, of those that may_compute_again.
  Plan run(const std::vector<int>& again) {
    place_values(again);
    plan_.gradient.resize(nodes_.size());
    plan_.edges.resize(nodes_.size());
    if (training()) {
      const GradientLives gradients = gradient_lives(nodes_, options_, plan_.fusion);
      plan_.gradient = place(gradients.groups, gradients.lives);
      decide_writes(nodes_, options_.output, plan_);
    }
    place_partial_sums();
    place_scratch();
    plan_.arena_floats = assign_offsets(plan_.storages, options_.share);
    return std::move(plan_);
  }

  std::vector<int> may_compute_again() const {
    std::vector<int> result;
    if (!options_.share) return result;
    for (const int i : fanin::may_compute_again(nodes_, options_, plan_.fusion))
      if (values_.plain(i) && values_.alone(i)) result.push_back(i);
    return result;
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  const PlanNode& node(int i) const { return nodes_[at(i)]; }
  const FusedNode& fused(int i) const { return plan_.fusion.at(i); }
  bool training() const { return options_.mode == Mode::train; }
  bool is_input(int i) const { return node(i).kind == NodeKind::input; }
  int backward_time(int i) const { return 2 * count_ - 1 - i; }
  int backward_node(int time) const { return 2 * count_ - 1 - time; }

  // --- values

  bool overwritable(int x) const {  // by its only consumer
    if (is_input(x) || !fused(x).stored() || consumers_[at(x)].size() != 1 || x == options_.output) return false;
    if (node(x).kind == NodeKind::concat) return false;  // its slices have readers of their own
    return !(training() && node(x).kind == NodeKind::layer && node(x).needs.output);
  }

  void group_values() {
    for (int i = 0; i < count_; ++i) {
      const PlanNode& n = node(i);
      if (options_.share && fused(i).stored()) {
        if (n.kind == NodeKind::layer && n.forward_in_place && overwritable(n.inputs[0]) &&
            !(training() && n.needs.input))
          values_.join(i, n.inputs[0]);
        if (n.kind == NodeKind::sum)
          for (const int x : n.inputs)
            if (overwritable(x) && node(x).kind == NodeKind::layer) {
              values_.join(i, x);
              break;
            }
      }
    }
    // A convolution that adds the other operand of a sum has no value but the sum, or its ReLU.
    for (int i = 0; i < count_; ++i)
      if (fused(i).writes >= 0) values_.join(i, fused(i).writes);
    if (options_.share) slice_concats(nodes_, values_);
  }

  void place_values(const std::vector<int>& again) {
    const std::vector<ValueLife> lives = value_lives(nodes_, options_, plan_.fusion, again);
    std::vector<Life> wholes(nodes_.size());
    for (int i = 0; i < count_; ++i) {
      const ValueLife& life = lives[at(i)];
      if (!fused(i).stored() || is_input(i)) continue;
      wholes[at(i)] = life.forward;
      if (!life.again && !life.backward.empty()) wholes[at(i)].extend(life.backward);
    }
    plan_.value = place(values_, wholes);
    plan_.value_again.resize(nodes_.size());
    plan_.again_through.resize(nodes_.size(), -1);
    plan_.compute_again.resize(nodes_.size());
    for (const int i : again) {
      const Life& life = lives[at(i)].backward;
      plan_.again_through[at(i)] = lives[at(i)].through;
      plan_.value_again[at(i)] = {add_storage(node(i).shape, life), 0};
      plan_.compute_again[at(backward_node(life.first))].push_back(i);
    }
  }

  // --- memory

  std::vector<Place> place(const Groups& groups, const std::vector<Life>& lives) {  // empty: not placed
    std::vector<Place> places(nodes_.size());
    std::vector<int> storage_of(nodes_.size(), -1);
    for (int i = 0; i < count_; ++i) {
      const Life& life = lives[at(i)];
      if (life.empty()) continue;
      const Place root = groups.root(i);
      int& storage = storage_of[at(root.storage)];
      if (storage < 0) storage = add_storage(node(root.storage).shape, life);
      Storage& s = plan_.storages[at(storage)];
      s.first_use = std::min(s.first_use, life.first);
      s.last_use = std::max(s.last_use, life.last);
      places[at(i)] = {storage, root.first_channel};
    }
    return places;
  }

  int add_storage(const Shape& shape, const Life& life) {
    return add_storage(shape.with_images(options_.images).size(), shape.channels, life);
  }
  int add_storage(std::size_t floats, int channels, const Life& life) {
    plan_.storages.push_back(
        {0, (floats + kAlignFloats - 1) / kAlignFloats * kAlignFloats, channels, life.first, life.last});
    return static_cast<int>(plan_.storages.size()) - 1;
  }

  // [image][2][channel] numbers that live from one node to another.
  int place_partials(const Shape& shape, int first, int last) {
    return add_storage({1, 1, 2, shape.channels}, {first, last});
  }

  void place_partial_sums() {
    plan_.moments.resize(nodes_.size(), -1);
    plan_.sums.resize(nodes_.size(), -1);
    for (int i = 0; i < count_; ++i) {
      const int y = fused(i).writes;
      if (y >= 0 && fused(y).moments >= 0) plan_.moments[at(i)] = place_partials(node(y).shape, i, i);
      if (fused(i).sums_by >= 0)
        plan_.sums[at(i)] = place_partials(node(i).shape, backward_time(fused(i).sums_by), backward_time(i));
    }
  }

  void place_scratch() {
    plan_.scratch_forward.resize(nodes_.size(), -1);
    plan_.scratch_backward.resize(nodes_.size(), -1);
    const auto scratch = [&](std::size_t floats, int time) {
      if (floats > kSharedScratch && options_.share) return add_storage(floats, 1, {time, time});
      plan_.scratch_floats = std::max(plan_.scratch_floats, floats);
      return -1;
    };
    for (int i = 0; i < count_; ++i) {
      plan_.scratch_forward[at(i)] = scratch(node(i).forward_scratch, i);
      if (training()) plan_.scratch_backward[at(i)] = scratch(node(i).scratch, backward_time(i));
    }
  }

  const std::vector<PlanNode>& nodes_;
  const PlanOptions options_;
  const int count_;
  const std::vector<std::vector<int>> consumers_;
  Groups values_;
  Plan plan_;
};

}  // namespace

std::vector<std::vector<int>> consumers_of(const std::vector<PlanNode>& nodes) {
  std::vector<std::vector<int>> consumers(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const int x : nodes[i].inputs) consumers[static_cast<std::size_t>(x)].push_back(static_cast<int>(i));
  return consumers;
}

std::size_t Plan::activation_floats() const {
  std::vector<Storage> others = storages;
  for (const std::vector<int>* const scratch : {&scratch_forward, &scratch_backward})
    for (const int storage : *scratch)
      if (storage >= 0) others[static_cast<std::size_t>(storage)].floats = 0;
  return std::min(arena_floats, assign_offsets(others, true));
}

// What may be computed twice is, unless the arena is as small without.
Plan make_plan(const std::vector<PlanNode>& nodes, const PlanOptions& options) {
  const auto plan_with = [&](const std::vector<int>& again) { return Planner(nodes, options).run(again); };
  std::vector<int> again;
  if (options.recompute) again = Planner(nodes, options).may_compute_again();
  Plan plan = plan_with(again);
  for (std::size_t k = again.size(); k-- > 0;) {
    std::vector<int> fewer = again;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(k));
    Plan other = plan_with(fewer);
    if (other.arena_floats > plan.arena_floats) continue;
    plan = std::move(other);
    again = std::move(fewer);
  }
  return plan;
}

}  // namespace fanin
