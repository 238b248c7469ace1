// SPDX-License-Identifier: MIT
#include "core/graph/fuse.h"

#include "core/graph/plan.h"
#include "core/graph/switch.h"

#include <algorithm>

namespace fanin {

namespace {

Switch& fusion_switch() {
  static Switch fusion("FANIN_FUSE");
  return fusion;
}

class Fuser {
 public:
  Fuser(const std::vector<PlanNode>& nodes, const PlanOptions& options)
      : nodes_(nodes), options_(options), count_(static_cast<int>(nodes.size())), consumers_(consumers_of(nodes)) {
    fusion_.nodes.resize(nodes.size());
    for (int i = 0; i < count_; ++i) fused(i).value.source = fused(i).writes = i;
  }

  Fusion run() {
    if (!options_.fuse) return std::move(fusion_);
    for (int i = 0; i < count_; ++i)
      if (node(i).kind == NodeKind::sum) compute_sum_elsewhere(i);
    for (int i = 1; i < count_; ++i)
      if (lazy(i) == Lazy::norm) omit_norm(i);
    for (int i = 1; i < count_; ++i)
      if (lazy(i) == Lazy::relu) omit_relu(i);
    if (options_.mode == Mode::evaluate) {
      for (int i = 1; i < count_; ++i)
        if (fused(i).joins >= 0) join_in_convolution(i);
      for (int i = 1; i < count_; ++i) join_at_load(i);
      return std::move(fusion_);
    }
    for (int i = 1; i < count_; ++i) find_finisher(i);
    place_moments();
    for (int i = 1; i < count_; ++i) join_at_load(i);
    for (int i = 1; i < count_; ++i) pass_gradient_on(i);
    for (int i = 1; i < count_; ++i) load_gradient_through(i);
    return std::move(fusion_);
  }

 private:
  const PlanNode& node(int i) const { return nodes_[static_cast<std::size_t>(i)]; }
  FusedNode& fused(int i) { return fusion_.nodes[static_cast<std::size_t>(i)]; }
  const std::vector<int>& consumers(int i) const { return consumers_[static_cast<std::size_t>(i)]; }
  Lazy lazy(int i) const { return node(i).offers.lazy; }
  bool only_consumer(int i, int k) const { return consumers(i).size() == 1 && consumers(i)[0] == k; }

  // sum(..., conv): the convolution adds the other operand. relu(sum(...)): the ReLU does.
  void compute_sum_elsewhere(int s) {
    const int last = std::max(node(s).inputs[0], node(s).inputs[1]);
    if (node(last).offers.forward_epilogue && only_consumer(last, s)) {
      fused(last).writes = s;
      fused(s).writes = -1;
      return;
    }
    if (s == options_.output || consumers(s).size() != 1) return;
    const int r = consumers(s)[0];
    if (lazy(r) != Lazy::relu) return;
    fused(r).joins = s;
    fused(s).writes = -1;
    fused(s).value = {};
  }

  // Can k read an input that is not there? A sum can where it is an operation of its own or of its ReLU.
  bool reads_lazily(int k) {
    if (node(k).kind == NodeKind::sum) return fused(k).writes == k || !fused(k).stored();
    return node(k).kind == NodeKind::layer && node(k).offers.transformed_input;
  }

  // BatchNorm does not read lazily, so its own input is stored. The network's input is not ours to keep.
  void omit_norm(int i) {
    const int x = node(i).inputs[0];
    if (i == options_.output || node(x).kind == NodeKind::input) return;
    for (const int k : consumers(i))
      if (!reads_lazily(k)) return;
    fused(i).value = {.source = x, .norm = i, .relu = false};
    fused(i).writes = -1;
  }

  void omit_relu(int i) {
    const Reading input = fused(node(i).inputs[0]).value;
    if (i == options_.output || fused(i).joins >= 0 || node(node(i).inputs[0]).kind == NodeKind::input) return;
    for (const int k : consumers(i))
      if (!reads_lazily(k) || lazy(k) == Lazy::relu) return;
    fused(i).value = {.source = input.source, .norm = input.norm, .relu = true};
    fused(i).writes = -1;
  }

  // relu(norm(conv) + other) without a backward pass: nothing of it waits for the statistics of the batch, so the last of
  // the convolutions writes r.
  void join_in_convolution(int r) {
    const std::vector<int>& operands = node(fused(r).joins).inputs;
    const int a = fused(operands[0]).value.source, b = fused(operands[1]).value.source, last = std::max(a, b);
    const int norm = operands[last == a ? 0 : 1];
    if (a == b || !node(last).offers.forward_epilogue || last == options_.output) return;
    if (fused(norm).value.norm != norm || !only_consumer(last, norm) || !only_consumer(norm, fused(r).joins)) return;
    fused(last).writes = r;
    fused(r).writes = -1;
  }

  // ReLU(a + b), r, whose first reader is a convolution that computes it; nobody else needs it before, for its statistics
  // or as what another convolution adds.
  void join_at_load(int r) {
    if (fused(r).joins < 0 || fused(r).writes != r || fused(r).moments >= 0) return;
    if (r == options_.output || consumers(r).empty()) return;
    const int k = *std::min_element(consumers(r).begin(), consumers(r).end());
    if (node(k).kind != NodeKind::layer || !node(k).offers.joins_input) return;
    for (int i = 1; i < k; ++i)
      if (const int y = fused(i).writes; y >= 0 && y != i) {
        const std::vector<int>& operands = node(fused(y).joins >= 0 ? fused(y).joins : y).inputs;
        if (std::find(operands.begin(), operands.end(), r) != operands.end()) return;
      }
    fused(r).joined_by = k;
    fused(r).writes = -1;
  }

  // Backward runs from large to small ids, so the smallest reader is the last to add to the gradient of v.
  void find_finisher(int v) {
    if (fused(v).joins >= 0) return find_join_finisher(v);
    const Reading& reading = fused(v).value;
    if (reading.norm < 0 && !reading.relu) return;
    const int k = *std::min_element(consumers(v).begin(), consumers(v).end());
    if (node(k).kind == NodeKind::sum) {
      // The ReLU of a sum sees the whole gradient of an operand that nobody else reads.
      if (v == reading.norm && consumers(v).size() == 1 && !fused(k).stored()) fused(v).sums_by = consumers(k)[0];
      return;
    }
    if (!fused(k).stored()) return;  // a ReLU that only passes on what its own readers finished
    fused(k).finishes = v;
    fused(v).finished = true;
    if (reading.norm >= 0 && (v == reading.norm || only_consumer(reading.norm, v))) fused(reading.norm).sums_by = k;
  }

  // The gradient of ReLU(a + b), v: the convolution that completes it takes the mask and the sums of a and b.
  void find_join_finisher(int v) {
    if (v == options_.output || consumers(v).empty()) return;
    const int k = *std::min_element(consumers(v).begin(), consumers(v).end());
    if (node(k).kind != NodeKind::layer || !node(k).offers.scaled_gradient) return;
    fused(k).finishes = v;
    fused(v).finished = true;
    for (const int x : node(fused(v).joins).inputs)
      if (fused(x).sums_by == v) fused(x).sums_by = k;
  }

  // The gradient of the convolution in front of BatchNorm i is that of i, put right at the load.
  void load_gradient_through(int i) {
    const int x = node(i).inputs[0];
    if (lazy(i) != Lazy::norm || fused(i).sums_by < 0 || fused(i).passed_on || !only_consumer(x, i)) return;
    if (!loads_gradient(x)) return;
    fused(x).loaded_through = i;
    fused(x).corrected = Corrected::at_load;
  }

  bool loads_gradient(int x) const {  // not without a gradient of the input
    return node(x).kind == NodeKind::layer && node(x).offers.loads_gradient &&
           node(node(x).inputs[0]).kind != NodeKind::input;
  }

  // From the last concat to the first, so that the operands of a chain of concats lie in the rows of the last one and
  // the statistics of a dense block are its channels' statistics, taken once each.
  void place_moments() {
    std::vector<bool> wanted(nodes_.size(), false);
    for (int i = count_ - 1; i > 0; --i) {
      if (lazy(i) == Lazy::norm) wanted[static_cast<std::size_t>(node(i).inputs[0])] = true;
      if (!wanted[static_cast<std::size_t>(i)]) continue;
      if (fused(i).moments < 0) {
        fused(i).moments = fusion_.moment_channels;
        fusion_.moment_channels += node(i).shape.channels;
      }
      if (node(i).kind != NodeKind::concat) continue;
      int channel = fused(i).moments;
      for (const int x : node(i).inputs) {
        wanted[static_cast<std::size_t>(x)] = true;
        if (fused(x).moments < 0 && node(x).kind != NodeKind::input) fused(x).moments = channel;
        channel += node(x).shape.channels;
      }
    }
  }

  // The gradient of BatchNorm i goes straight into that of its input.
  void pass_gradient_on(int i) {
    const int k = fused(i).sums_by;
    if (k < 0 || !node(k).offers.scaled_gradient) return;
    const int v = fused(k).finishes;
    if (fused(v).stored() || consumers(v).size() != 1) return;
    fused(i).passed_on = fused(v).passed_on = true;
    correct(node(i).inputs[0]);
  }

  // A concat's gradient consists of its operands'; each is put right on its own if its statistics are rows of the
  // concat's, as then its corrections are, too.
  void correct(int x) {
    int channel = fused(x).moments;
    bool parts = node(x).kind == NodeKind::concat;
    if (parts)
      for (const int operand : node(x).inputs) {
        parts &= fused(operand).moments == channel;
        channel += node(operand).shape.channels;
      }
    if (!parts) {
      fused(x).corrected = loads_gradient(x) ? Corrected::at_load : Corrected::first;
      return;
    }
    for (const int operand : node(x).inputs) correct(operand);
  }

  const std::vector<PlanNode>& nodes_;
  const PlanOptions& options_;
  const int count_;
  const std::vector<std::vector<int>> consumers_;
  Fusion fusion_;
};

}  // namespace

bool fusion() { return fusion_switch().on(); }
void set_fusion(bool on) { fusion_switch().set(on); }

Fusion fuse(const std::vector<PlanNode>& nodes, const PlanOptions& options) { return Fuser(nodes, options).run(); }

}  // namespace fanin
