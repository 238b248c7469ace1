// What a Network holds, shared by network.cpp (building, planning), network_run.cpp (both passes), network_run_fused.cpp
// and network_run_fused_backward.cpp (the same where values are left out), network_summary.cpp (looking); nobody else
// includes it.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/join.h"
#include "core/graph/network.h"

#include <string>
#include <unordered_map>
#include <unordered_set>

namespace fanin {

struct NodeData {
  std::string name;
  PlanNode plan;  // kind, inputs, shape
  std::unique_ptr<Layer> layer;
  std::size_t first_parameter = 0, parameters = 0;  // of Network::parameters()
  std::size_t gradient_floats = 0;                  // of them all, each on a cache line of its own
};

struct Network::Impl {
  std::vector<NodeData> nodes;
  std::unordered_set<std::string> names;
  std::string prefix;
  std::vector<Parameter*> parameters;
  std::vector<StateBuffer*> buffers;
  std::unordered_map<std::string_view, Parameter*> by_name;

  // After prepare.
  PlanOptions options;
  Plan plan;
  int images = 0, output = -1;
  Mode prepared_for = Mode::train;
  Buffer values, gradients, arena, scratch;
  std::vector<double> means, squares;  // the table of channel statistics (Fusion::moments)
  std::vector<float> corrections;      // constants, slopes and means of the same channels
  int scratch_threads = 0;

  // Of the last forward pass.
  ConstView input;
  int current_images = 0;
  bool ready_for_backward = false;
  bool going_back = false;  // the backward pass is on, or was the last
  Pass pass;
  Observer* observer = nullptr;

  const NodeData& node(int id) const { return nodes[static_cast<std::size_t>(id)]; }
  NodeData& node(int id) { return nodes[static_cast<std::size_t>(id)]; }
  int count() const { return static_cast<int>(nodes.size()); }

  void append(NodeData data);
  NodeData joined(NodeKind kind, const std::string& name, int a, int b) const;
  void check_node(int id, const Shape& shape, const std::string& path) const;
  std::span<Parameter* const> parameters_of(const NodeData& n) const {
    return std::span(parameters).subspan(n.first_parameter, n.parameters);
  }
  std::vector<PlanNode> plan_nodes(const PlanOptions& options) const;
  void check_all_used(int from) const;

  View view(const Place& place, int id) {
    const Storage& s = plan.storages[static_cast<std::size_t>(place.storage)];
    return {arena.data() + s.offset + place.first_channel, node(id).plan.shape.with_images(current_images), s.channels};
  }
  View value(int id) {
    const Place& again = plan.value_again[static_cast<std::size_t>(id)];
    return view(going_back && again.storage >= 0 ? again : plan.value[static_cast<std::size_t>(id)], id);
  }
  ConstView any_value(int id) { return id == 0 ? input : ConstView(value(id)); }
  View gradient(int id) { return view(plan.gradient[static_cast<std::size_t>(id)], id); }

  std::span<float> scratch_of(int id) {
    const int own = (going_back ? plan.scratch_backward : plan.scratch_forward)[static_cast<std::size_t>(id)];
    return own < 0 ? scratch.span() : std::span(partials(own), plan.storages[static_cast<std::size_t>(own)].floats);
  }
  const Pass& pass_of(int id) {
    pass.node = node(id).name;
    pass.scratch = scratch_of(id);
    if (going_back && !options.keep_gradients) pass.scratch = pass.scratch.subspan(node(id).gradient_floats);
    return pass;
  }
  void start_gradients(int id);  // of the node's parameters, before its backward pass, where they are not kept
  // Where values may be left out: not while somebody looks at each of them.
  bool fuse() const { return options.fuse && observer == nullptr; }
  void lay_out();  // plans and allocates what the passes need

  void forward_node(int id);
  void forward_sum(int id);
  void forward_concat(int id);
  void backward_node(int id);
  void pass_on(int id, std::size_t input, ConstView dy);

  // The same with values left out.
  const FusedNode& fused(int id) const { return plan.fusion.at(id); }
  float* partials(int storage) {
    return storage < 0 ? nullptr : arena.data() + plan.storages[static_cast<std::size_t>(storage)].offset;
  }
  Operand operand(int id);
  Moments moments(int id) const;
  void take_moments(int id, bool known);
  void write_for(int y, int id, ForwardEpilogue& e);
  void forward_fused(int id);
  void forward_fused_layer(int id);
  void backward_fused(int id);
  Joined joined(int id);
  bool joins_again(int id) const;
  void backward_fused_layer(int id);
  void backward_join(int id);
  void backward_without_gradient(int id);
  BackwardEpilogue finish(int id);
  Correction correction(int id);
  void correct(int id);
  void clear_correction(int id);
};

}  // namespace fanin
