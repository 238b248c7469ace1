// SPDX-License-Identifier: MIT
#include "init/residual.h"

#include "core/check.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace fanin {

namespace {

struct Graph {
  std::vector<NodeSummary> rows;
  std::map<std::string, std::size_t> place;

  explicit Graph(const Network& net) : rows(net.summary()) {
    for (std::size_t i = 0; i < rows.size(); ++i) place[rows[i].name] = i;
  }

  // A node and everything that it depends on, in order.
  std::set<std::size_t> upstream(const std::string& node) const {
    std::set<std::size_t> seen;
    std::vector<std::size_t> open = {place.at(node)};
    while (!open.empty()) {
      const std::size_t i = open.back();
      open.pop_back();
      if (!seen.insert(i).second) continue;
      for (const std::string& input : rows[i].inputs) open.push_back(place.at(input));
    }
    return seen;
  }
};

// What stands on the way to `end` and not on the way to `other`.
ResidualBranch branch_of(Network& net, const Graph& graph, const std::string& sum, const std::string& end,
                         const std::string& other) {
  const std::set<std::size_t> mine = graph.upstream(end), others = graph.upstream(other);
  ResidualBranch branch{sum, end, {}, nullptr, nullptr};
  for (const std::size_t i : mine) {
    if (others.contains(i) || graph.rows[i].weights.empty()) continue;
    const std::vector<const Parameter*>& weights = graph.rows[i].weights;
    Parameter* first = net.find_parameter(weights.front()->name);
    if (first->shape.rank >= 2) {
      branch.layers.push_back(
          {graph.rows[i].name, first, weights.size() > 1 ? net.find_parameter(weights[1]->name) : nullptr});
      branch.last_norm = branch.multiplier = nullptr;
    }
    if (first->role == Role::norm_scale) branch.last_norm = first;
    if (first->role == Role::scalar_multiplier) branch.multiplier = first;
  }
  return branch;
}

}  // namespace

std::vector<ResidualBranch> residual_branches(Network& net) {
  const Graph graph(net);
  std::vector<ResidualBranch> branches;
  for (const NodeSummary& row : graph.rows) {
    if (row.description != "sum") continue;
    ResidualBranch a = branch_of(net, graph, row.name, row.inputs[0], row.inputs[1]);
    ResidualBranch b = branch_of(net, graph, row.name, row.inputs[1], row.inputs[0]);
    branches.push_back(a.layers.size() >= b.layers.size() ? std::move(a) : std::move(b));
  }
  return branches;
}

std::vector<ResidualBranch> required_branches(Network& net, const char* scheme) {
  std::vector<ResidualBranch> branches = residual_branches(net);
  FANIN_CHECK(!branches.empty(), usage,
              "scheme '{}' is for residual networks, and this one has no shortcut; use wrn-*, resnet-*, preresnet-* or "
              "resnext-*",
              scheme);
  return branches;
}

double largest_addition(Network& net, const std::vector<ResidualBranch>& branches, const Batch& sample,
                        std::uint64_t seed) {
  double largest = 0.0;
  WatchedPasses passes(net, seed, [&](std::string_view node, ConstView v) {
    if (std::ranges::none_of(branches, [&](const ResidualBranch& b) { return b.end == node; })) return;
    for (std::size_t p = 0; p < v.shape.pixels(); ++p)
      for (int c = 0; c < v.shape.channels; ++c)
        largest = std::max(largest, std::fabs(static_cast<double>(v.pixel(p)[c])));
  });
  passes.forward(sample);
  return largest;
}

}  // namespace fanin
