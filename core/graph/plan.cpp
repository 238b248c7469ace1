// SPDX-License-Identifier: MIT
#include "core/graph/plan.h"

#include "core/graph/edges.h"
#include "core/graph/storage.h"

#include <algorithm>

namespace fanin {

namespace {

constexpr std::size_t kAlignFloats = 16;  // storages start on cache lines

class Planner {
 public:
  Planner(const std::vector<PlanNode>& nodes, const PlanOptions& options)
      : nodes_(nodes),
        options_(options),
        count_(static_cast<int>(nodes.size())),
        consumers_(nodes.size()),
        values_(count_),
        gradients_(count_) {
    plan_.fused = options.fuse;
    plan_.fusion = fuse(nodes, options);
    for (int i = 0; i < count_; ++i)
      for (const int input : node(i).inputs) consumers_[at(input)].push_back(i);
  }

  Plan run() {
    group_values();
    if (training()) group_gradients();
    plan_.value = place(
        values_, [this](int i) { return fused(i).stored(); }, [this](int i) { return value_life(i); });
    plan_.gradient.resize(nodes_.size());
    plan_.edges.resize(nodes_.size());
    if (training()) {
      plan_.gradient = place(
          gradients_, [this](int i) { return has_gradient(i); }, [this](int i) { return gradient_life(i); });
      decide_writes(nodes_, options_.output, plan_);
    }
    place_partial_sums();
    plan_.arena_floats = assign_offsets(plan_.storages, options_.share);
    return std::move(plan_);
  }

 private:
  struct Life {
    int first, last;
  };

  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  const PlanNode& node(int i) const { return nodes_[at(i)]; }
  const FusedNode& fused(int i) const { return plan_.fusion.at(i); }
  bool training() const { return options_.mode == Mode::train; }
  bool is_input(int i) const { return node(i).kind == NodeKind::input; }
  int backward_time(int i) const { return 2 * count_ - 1 - i; }

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
    // A convolution that adds the other operand of a sum has no value but the sum.
    for (int i = 0; i < count_; ++i)
      if (fused(i).writes >= 0) values_.join(i, fused(i).writes);
    slice_concats(values_);
  }

  // Later concats first, so that a chain of concats ends up in the storage of the last one.
  void slice_concats(Groups& groups) {
    if (!options_.share) return;
    for (int i = count_ - 1; i >= 0; --i) {
      if (node(i).kind != NodeKind::concat) continue;
      int channel = 0;
      for (const int x : node(i).inputs) {
        if (!is_input(x)) groups.make_slice(x, i, channel);
        channel += node(x).shape.channels;
      }
    }
  }

  Life value_life(int i) const {
    Life life{i, i};
    extend_life(i, i, life);
    if (training() && node(i).kind == NodeKind::layer && node(i).needs.output)
      life.last = std::max(life.last, backward_time(i));
    if (fused(i).corrected || fused(i).loaded_through >= 0) life.last = std::max(life.last, backward_time(i));
    if (i == options_.output) life.last = 2 * count_;  // the caller may look at it until the next forward pass
    return life;
  }

  // By what happens to x, which is i itself or a value that is read from it.
  void extend_life(int i, int x, Life& life) const {
    for (const int k : consumers_[at(x)]) {
      life.last = std::max(life.last, k);
      const bool layer = node(k).kind == NodeKind::layer;
      if (training() && layer && (node(k).needs.input || x != i || !fused(k).stored()))
        life.last = std::max(life.last, backward_time(k));
      if (!fused(k).stored()) extend_life(i, k, life);
    }
  }

  // --- gradients

  bool has_gradient(int i) const { return !fused(i).passed_on && fused(i).loaded_through < 0; }
  // The node whose backward pass reads d(i) last: i, or the convolution in front that loads it through i.
  int gradient_reader(int i) const {
    const int x = node(i).inputs.empty() ? i : node(i).inputs[0];
    return fused(x).loaded_through == i ? x : i;
  }

  // The nodes whose backward pass writes d(x): its consumers, or those of a consumer that has no gradient of its own.
  template <class Fn>
  bool all_writers(int x, Fn&& fn) const {
    return std::all_of(consumers_[at(x)].begin(), consumers_[at(x)].end(),
                       [&](int k) { return fused(k).passed_on ? all_writers(k, fn) : fn(k); });
  }

  void group_gradients() {
    slice_concats(gradients_);
    if (!options_.share) return;
    for (int s = 0; s < count_; ++s)
      if (node(s).kind == NodeKind::sum) alias_sum(s);
    for (int i = 0; i < count_; ++i)
      if (node(i).kind == NodeKind::layer && node(i).backward_in_place) alias_in_place(i);
  }

  // d(a) and d(b) equal d(s) until another consumer of a or b adds its part. Sharing is right if nobody writes before
  // d(s) is complete (no consumer after s) and nobody writes while the other operand's gradient is still to be read.
  void alias_sum(int s) {
    const int a = node(s).inputs[0], b = node(s).inputs[1];
    if (a == b || !gradients_.plain(s)) return;
    const auto shareable = [&](int x, int other) {
      if (is_input(x) || x == options_.output || !gradients_.plain(x)) return false;
      return all_writers(x, [&](int k) { return k == s || k < gradient_reader(other); });
    };
    const bool share_a = shareable(a, b), share_b = shareable(b, a);
    if (share_a) gradients_.join(a, s);
    if (share_b) gradients_.join(b, s);
  }

  // d(x) may take the memory of d(i) if i writes it first and no other tenant of that memory is read afterwards.
  void alias_in_place(int i) {
    const int x = node(i).inputs[0];
    if (is_input(x) || x == options_.output || !gradients_.plain(i) || !gradients_.plain(x)) return;
    if (!has_gradient(i) || !has_gradient(x)) return;
    if (gradients_.leader(x) != x || gradients_.leader(x) == gradients_.leader(i)) return;
    if (!all_writers(x, [&](int k) { return k <= i; })) return;
    for (int t = 0; t < count_; ++t) {
      if (t != x && gradients_.leader(t) == x) return;                                     // x already leads a group
      if (gradient_reader(t) < i && gradients_.leader(t) == gradients_.leader(i)) return;  // read later than i
    }
    gradients_.join(x, i);
  }

  Life gradient_life(int i) const {
    Life life{backward_time(i), backward_time(gradient_reader(i))};
    all_writers(i, [&](int k) {
      life.first = std::min(life.first, backward_time(k));
      return true;
    });
    if (i == options_.output) life.first = std::min(life.first, count_);
    return life;
  }

  // --- memory

  template <class Exists, class LifeOf>
  std::vector<Place> place(const Groups& groups, Exists exists, LifeOf life_of) {
    std::vector<Place> places(nodes_.size());
    std::vector<int> storage_of(nodes_.size(), -1);
    for (int i = 0; i < count_; ++i) {
      if (is_input(i) || !exists(i)) continue;
      const Place root = groups.root(i);
      int& storage = storage_of[at(root.storage)];
      const Life life = life_of(i);
      if (storage < 0) {
        storage = static_cast<int>(plan_.storages.size());
        const Shape& shape = node(root.storage).shape;
        const std::size_t floats = shape.with_images(options_.images).size();
        plan_.storages.push_back(
            {0, (floats + kAlignFloats - 1) / kAlignFloats * kAlignFloats, shape.channels, life.first, life.last});
      }
      Storage& s = plan_.storages[at(storage)];
      s.first_use = std::min(s.first_use, life.first);
      s.last_use = std::max(s.last_use, life.last);
      places[at(i)] = {storage, root.first_channel};
    }
    return places;
  }

  // [image][2][channel] numbers that live from one node to another.
  int place_partials(const Shape& shape, int first, int last) {
    const std::size_t floats = at(2 * options_.images) * at(shape.channels);
    plan_.storages.push_back(
        {0, (floats + kAlignFloats - 1) / kAlignFloats * kAlignFloats, shape.channels, first, last});
    return static_cast<int>(plan_.storages.size()) - 1;
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

  const std::vector<PlanNode>& nodes_;
  const PlanOptions options_;
  const int count_;
  std::vector<std::vector<int>> consumers_;
  Groups values_, gradients_;
  Plan plan_;
};

}  // namespace

Plan make_plan(const std::vector<PlanNode>& nodes, const PlanOptions& options) { return Planner(nodes, options).run(); }

}  // namespace fanin
