// SPDX-License-Identifier: MIT
#include "core/graph/gradient_lives.h"

#include <algorithm>

namespace fanin {

namespace {

class GradientPlanner {
 public:
  GradientPlanner(const std::vector<PlanNode>& nodes, const PlanOptions& options, const Fusion& fusion)
      : nodes_(nodes),
        options_(options),
        fusion_(fusion),
        count_(static_cast<int>(nodes.size())),
        consumers_(consumers_of(nodes)),
        groups_(count_) {}

  GradientLives run() {
    if (options_.share) share_memory();
    std::vector<Life> lives;
    for (int i = 0; i < count_; ++i) lives.push_back(exists(i) ? life(i) : Life());
    return {std::move(groups_), std::move(lives)};
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  const PlanNode& node(int i) const { return nodes_[at(i)]; }
  const FusedNode& fused(int i) const { return fusion_.at(i); }
  bool is_input(int i) const { return node(i).kind == NodeKind::input; }
  int backward_time(int i) const { return 2 * count_ - 1 - i; }

  bool exists(int i) const { return !is_input(i) && !fused(i).passed_on && fused(i).loaded_through < 0; }
  // The node whose backward pass reads d(i) last: i, or the convolution in front that loads it through i.
  int last_reader(int i) const {
    const int x = node(i).inputs.empty() ? i : node(i).inputs[0];
    return fused(x).loaded_through == i ? x : i;
  }

  // The nodes whose backward pass writes d(x): its consumers, or those of a consumer that has no gradient of its own.
  template <class Fn>
  bool all_writers(int x, Fn&& fn) const {
    return std::all_of(consumers_[at(x)].begin(), consumers_[at(x)].end(),
                       [&](int k) { return fused(k).passed_on ? all_writers(k, fn) : fn(k); });
  }

  void share_memory() {
    slice_concats(nodes_, groups_);
    for (int s = 0; s < count_; ++s)
      if (node(s).kind == NodeKind::sum) alias_sum(s);
    for (int i = 0; i < count_; ++i)
      if (node(i).kind == NodeKind::layer && node(i).backward_in_place) alias_in_place(i);
  }

  // d(a) and d(b) equal d(s) until another consumer of a or b adds its part. Sharing is right if nobody writes before
  // d(s) is complete (no consumer after s) and nobody writes while the other operand's gradient is still to be read.
  void alias_sum(int s) {
    const int a = node(s).inputs[0], b = node(s).inputs[1];
    if (a == b || !groups_.plain(s)) return;
    const auto shareable = [&](int x, int other) {
      if (is_input(x) || x == options_.output || !groups_.plain(x)) return false;
      return all_writers(x, [&](int k) { return k == s || k < last_reader(other); });
    };
    const bool share_a = shareable(a, b), share_b = shareable(b, a);
    if (share_a) groups_.join(a, s);
    if (share_b) groups_.join(b, s);
  }

  // d(x) and all that share its memory may take that of d(i) if nobody writes them before i does and no tenant of that
  // memory is read afterwards.
  void alias_in_place(int i) {
    const int x = node(i).inputs[0];
    if (is_input(x) || !groups_.plain(i) || !groups_.plain(x) || !exists(i) || !exists(x)) return;
    if (groups_.leader(x) == groups_.leader(i)) return;
    for (int t = 0; t < count_; ++t) {
      const bool new_tenant = groups_.leader(t) == groups_.leader(x);
      if (new_tenant && (t == options_.output || !all_writers(t, [&](int k) { return k <= i; }))) return;
      if (groups_.leader(t) == groups_.leader(i) && last_reader(t) < i) return;
    }
    groups_.join(x, i);
  }

  Life life(int i) const {
    Life life{backward_time(i), backward_time(last_reader(i))};
    all_writers(i, [&](int k) {
      life.first = std::min(life.first, backward_time(k));
      return true;
    });
    if (i == options_.output) life.first = std::min(life.first, count_);
    return life;
  }

  const std::vector<PlanNode>& nodes_;
  const PlanOptions& options_;
  const Fusion& fusion_;
  const int count_;
  const std::vector<std::vector<int>> consumers_;
  Groups groups_;
};

}  // namespace

GradientLives gradient_lives(const std::vector<PlanNode>& nodes, const PlanOptions& options, const Fusion& fusion) {
  return GradientPlanner(nodes, options, fusion).run();
}

}  // namespace fanin
