// SPDX-License-Identifier: MIT
#include "core/graph/value_lives.h"

#include "core/graph/plan.h"
#include "core/graph/switch.h"

#include <algorithm>

namespace fanin {

namespace {

Switch& recomputation_switch() {
  static Switch recomputation("FANIN_RECOMPUTE");
  return recomputation;
}

class Lives {
 public:
  Lives(const std::vector<PlanNode>& nodes, const PlanOptions& options, const Fusion& fusion)
      : nodes_(nodes),
        options_(options),
        fusion_(fusion),
        count_(static_cast<int>(nodes.size())),
        consumers_(consumers_of(nodes)),
        lives_(nodes.size()) {}

  std::vector<ValueLife> run(const std::vector<int>& again) {
    for (int i = 0; i < count_; ++i) {
      lives_[at(i)] = {.forward = {i, i}, .backward = {}};
      add_readers(i, i);
      if (const int k = fused(i).joined_by; k >= 0)
        for (const int x : operands(i)) lives_[at(fused(x).value.source)].forward.extend({k, k});
      if (training() && node(i).kind == NodeKind::layer && node(i).needs.output) reads_backward(i, i);
      if (fused(i).corrected != Corrected::no) reads_backward(i, i);
      // The caller may look at it until the next forward pass.
      if (i == options_.output) lives_[at(i)].forward.last = 2 * count_;
    }
    for (const int i : again) lives_[at(i)].again = true;
    chain(again);
    // From the last on, since what is computed again reads its operands then.
    for (auto i = again.rbegin(); i != again.rend(); ++i) keep_operands(*i, lives_[at(*i)].backward.first);
    return std::move(lives_);
  }

  std::vector<int> candidates() const {
    std::vector<int> result;
    if (!training()) return result;
    for (int i = 0; i < count_; ++i)
      if (fused(i).joins >= 0 && i != options_.output && fused(i).corrected == Corrected::no && read_as_it_is(i))
        result.push_back(i);
    return result;
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  const PlanNode& node(int i) const { return nodes_[at(i)]; }
  const FusedNode& fused(int i) const { return fusion_.at(i); }
  bool training() const { return options_.mode == Mode::train; }

  void reads_backward(int k, int i) {
    const int time = 2 * count_ - 1 - k;
    lives_[at(i)].backward.extend({time, time});
  }

  // By what happens to x, which is i itself or a value that is read from it.
  void add_readers(int i, int x) {
    for (const int k : consumers_[at(x)]) {
      lives_[at(i)].forward.extend({k, k});
      // A ReLU that joins has its own value for the mask; of operands it needs those behind which a BatchNorm takes sums.
      const bool layer = node(k).kind == NodeKind::layer && !(fused(k).joins == x && is_operand(i, x));
      if (training() && layer && (node(k).needs.input || x != i || !fused(k).stored())) reads_backward(k, i);
      if (!fused(k).stored()) add_readers(i, k);
    }
  }

  bool is_operand(int i, int sum) const {
    return std::find(node(sum).inputs.begin(), node(sum).inputs.end(), i) != node(sum).inputs.end();
  }
  const std::vector<int>& operands(int i) const { return node(fused(i).joins).inputs; }

  void chain(const std::vector<int>& again) {
    std::vector<int> length(nodes_.size(), 0);
    for (const int i : again) {
      length[at(i)] = 1;
      if (operands(i)[0] == operands(i)[1]) continue;  // one pass reads an operand once
      for (const int x : operands(i))
        if (lives_[at(x)].again && length[at(x)] < kThrough && lives_[at(i)].through < 0) {
          lives_[at(i)].through = x;
          length[at(i)] = length[at(x)] + 1;
        }
    }
  }

  // What i is computed from has to be there at `time`.
  void keep_operands(int i, int time) {
    for (const int x : operands(i)) {
      if (x == lives_[at(i)].through) {
        keep_operands(x, time);
      } else if (const int source = fused(x).value.source; node(source).kind != NodeKind::input) {
        lives_[at(source)].backward.extend({time, time});
      }
    }
  }

  // No BatchNorm or ReLU without memory in between, whose readers would read it at times of their own.
  bool read_as_it_is(int i) const {
    return std::all_of(consumers_[at(i)].begin(), consumers_[at(i)].end(),
                       [&](int k) { return node(k).kind != NodeKind::layer || fused(k).stored(); });
  }

  const std::vector<PlanNode>& nodes_;
  const PlanOptions& options_;
  const Fusion& fusion_;
  const int count_;
  const std::vector<std::vector<int>> consumers_;
  std::vector<ValueLife> lives_;
};

}  // namespace

void Life::extend(const Life& other) {
  first = std::min(first, other.first);
  last = std::max(last, other.last);
}

bool recomputation() { return recomputation_switch().on(); }
void set_recomputation(bool on) { recomputation_switch().set(on); }

std::vector<ValueLife> value_lives(const std::vector<PlanNode>& nodes, const PlanOptions& options, const Fusion& fusion,
                                   const std::vector<int>& again) {
  return Lives(nodes, options, fusion).run(again);
}

std::vector<int> may_compute_again(const std::vector<PlanNode>& nodes, const PlanOptions& options,
                                   const Fusion& fusion) {
  return Lives(nodes, options, fusion).candidates();
}

}  // namespace fanin
