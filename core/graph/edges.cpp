// SPDX-License-Identifier: MIT
#include "core/graph/edges.h"

#include <algorithm>

namespace fanin {

namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

using Written = std::vector<std::vector<bool>>;  // per storage and channel

bool shares_gradient(const PlanNode& n, const Place& dy, const Place& dx, int channel) {
  if (n.kind == NodeKind::layer || dy.storage != dx.storage) return false;
  return dx.first_channel == dy.first_channel + (n.kind == NodeKind::concat ? channel : 0);
}

bool in_place(const PlanNode& n, const Place& dy, const Place& dx) {
  return n.kind == NodeKind::layer && dy.storage == dx.storage && dy.first_channel == dx.first_channel;
}

void note_write(const Place& p, int channels, const Written& written, GradientEdge& edge) {
  const std::vector<bool>::const_iterator begin = written[at(p.storage)].begin() + p.first_channel;
  const std::vector<bool>::const_iterator end = begin + channels;
  if (std::find(begin, end, true) == end) return;  // overwrite
  edge.write = Write::add;
  for (std::vector<bool>::const_iterator gap = std::find(begin, end, false); gap != end;
       gap = std::find(gap, end, false)) {
    const std::vector<bool>::const_iterator stop = std::find(gap, end, true);
    edge.clear.emplace_back(static_cast<int>(gap - begin), static_cast<int>(stop - gap));
    gap = stop;
  }
}

}  // namespace

void decide_writes(const std::vector<PlanNode>& nodes, int output, Plan& plan) {
  Written written(plan.storages.size());
  for (std::size_t s = 0; s < written.size(); ++s) written[s].resize(at(plan.storages[s].channels), false);
  const auto mark = [&](int i) {
    const Place p = plan.gradient[at(i)];
    std::fill_n(written[at(p.storage)].begin() + p.first_channel, nodes[at(i)].shape.channels, true);
  };
  mark(output);
  for (int i = static_cast<int>(nodes.size()) - 1; i >= 0; --i) {
    const PlanNode& n = nodes[at(i)];
    int channel = 0;  // of a concat's operand
    for (const int x : n.inputs) {
      GradientEdge edge;
      edge.wanted =
          nodes[at(x)].kind != NodeKind::input && !plan.fusion.at(i).passed_on && plan.fusion.at(x).loaded_through < 0;
      if (edge.wanted) {
        const int target = plan.fusion.gradient_of(x);
        const Place dy = plan.gradient[at(i)], dx = plan.gradient[at(target)];
        edge.aliased = shares_gradient(n, dy, dx, channel);
        if (!edge.aliased && !in_place(n, dy, dx)) note_write(dx, nodes[at(x)].shape.channels, written, edge);
        mark(target);
      }
      plan.edges[at(i)].push_back(edge);
      channel += nodes[at(x)].shape.channels;
    }
  }
}

}  // namespace fanin
