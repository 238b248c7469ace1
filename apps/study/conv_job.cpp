// SPDX-License-Identifier: MIT
#include "apps/study/conv_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace fanin {

namespace {

class Reader {
 public:
  Reader(const Network& net, Node output, int batch)
      : rows_(net.summary()), plan_(net.plan(output, {.images = batch})), convolutions_(fanin::convolutions(rows_)) {
    std::map<std::string, int> ids;
    for (const NodeSummary& row : rows_) {
      inputs_.emplace_back();
      for (const std::string& name : row.inputs) inputs_.back().push_back(ids.at(name));
      ids.emplace(row.name, static_cast<int>(inputs_.size()) - 1);
    }
  }

  NetworkPlan read() {
    NetworkPlan result;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const int id = static_cast<int>(i);
      result.nodes.push_back({rows_[i].name, rows_[i].description, forward(id), backward(id), -1});
    }
    for (const Convolution& c : convolutions_) {
      result.nodes[static_cast<std::size_t>(c.node)].conv = static_cast<int>(result.convolutions.size());
      result.convolutions.push_back(job(c));
    }
    return result;
  }

 private:
  using Kind = Traits::Kind;
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  const NodeSummary& row(int id) const { return rows_[at(id)]; }
  const std::string& name(int id) const { return rows_[at(id)].name; }
  const FusedNode& fused(int id) const { return plan_.fusion.at(id); }
  const std::vector<int>& inputs(int id) const { return inputs_[at(id)]; }
  int other_operand(int sum, int id) const { return inputs(sum)[inputs(sum)[0] == id ? 1 : 0]; }

  std::ptrdiff_t stride(const Place& place, int id) const {
    return place.storage < 0 ? row(id).output.channels : plan_.storages[at(place.storage)].channels;
  }
  bool same_memory(int a, int b) const {
    const Place &pa = plan_.value[at(a)], &pb = plan_.value[at(b)];
    return pa.storage >= 0 && pa.storage == pb.storage && pa.first_channel == pb.first_channel;
  }
  bool in_one_storage(int a, int b) const {
    return plan_.value[at(a)].storage >= 0 && plan_.value[at(a)].storage == plan_.value[at(b)].storage;
  }
  bool takes_moments(int id) const {
    const int y = fused(id).writes;
    return plan_.fused && y >= 0 && fused(y).moments >= 0 && !row(id).traits.bias;
  }

  ConvJob job(const Convolution& c) const {
    const int id = c.node, input = inputs(id)[0];
    const FusedNode& f = fused(id);
    const Reading& reading = fused(input).value;
    ConvJob j{.node = c};
    j.affine = reading.norm >= 0;
    j.relu = reading.relu;
    j.x_stride = stride(plan_.value[at(reading.source)], reading.source);
    j.y_stride = stride(plan_.value[at(f.writes)], f.writes);
    const int dy = f.loaded_through >= 0 ? f.loaded_through : id;
    j.dy_stride = stride(plan_.gradient[at(dy)], dy);
    if (f.writes != id)
      j.add = same_memory(other_operand(f.writes, id), f.writes) ? ConvJob::Add::in_place : ConvJob::Add::other;
    j.moments = takes_moments(id);
    j.wanted = plan_.edges[at(id)][0].wanted;
    j.write = plan_.edges[at(id)][0].write;
    const int target = plan_.fusion.gradient_of(input);
    j.dx_stride = j.wanted ? stride(plan_.gradient[at(target)], target) : row(input).output.channels;
    if (f.finishes >= 0) {
      const Reading& finished = fused(f.finishes).value;
      j.finishes = true;
      j.finish_affine = finished.norm >= 0;
      j.mask = finished.relu || fused(f.finishes).joins >= 0;
      j.sums = !norms_summed_by(id).empty();
      j.scaled = fused(f.finishes).passed_on;
    }
    return j;
  }

  std::string reads(int id) const {
    const Reading& r = fused(id).value;
    if (r.norm < 0 && !r.relu) return "";
    return fmt::format("{}{} of {} at the load", r.norm >= 0 ? "BatchNorm" : "",
                       r.relu ? (r.norm >= 0 ? "+ReLU" : "ReLU") : "", name(r.source));
  }

  std::string forward(int id) const {
    const FusedNode& f = fused(id);
    const Kind kind = row(id).traits.kind;
    std::vector<std::string> words;
    if (kind == Kind::input) return "";
    if (!f.stored() && f.writes < 0) {
      if (kind == Kind::sum) return "left out: computed by its ReLU";
      return fmt::format("left out: its readers compute it from {}", name(f.value.source));
    }
    if (kind == Kind::sum && f.writes < 0) return "written by its last convolution";
    if (f.joins >= 0)
      words.push_back(fmt::format("computes {} on the way{}", name(f.joins),
                                  f.joined_by < 0 ? "" : fmt::format(", while {} loads it", name(f.joined_by))));
    if (kind == Kind::conv && fused(inputs(id)[0]).joined_by == id)
      words.push_back(fmt::format("computes {} at the load", name(inputs(id)[0])));
    if (plan_.value_again[at(id)].storage >= 0)
      words.push_back("given up after its last reader, computed again backward");
    for (const int x : inputs(f.joins >= 0 ? f.joins : id))
      if (const std::string what = reads(x); !what.empty()) words.push_back(what);
    if (f.writes >= 0 && f.writes != id) {
      const int other = other_operand(f.writes, id);
      words.push_back(fmt::format("writes {}: adds {}{}", name(f.writes), name(other),
                                  same_memory(other, f.writes) ? " in place" : ""));
    }
    if (kind == Kind::concat) {
      const bool slices = std::all_of(inputs(id).begin(), inputs(id).end(),
                                      [&](int x) { return in_one_storage(x, id) || !fused(x).stored(); });
      words.push_back(slices ? "operands are slices of it: no copy" : "copies operands");
    } else if (f.writes == id && f.joins < 0 && !inputs(id).empty() && same_memory(inputs(id)[0], id)) {
      words.push_back("in place");
    }
    if (f.writes >= 0 && fused(f.writes).moments >= 0 && plan_.fused) words.push_back("statistics");
    return fmt::format("{}", fmt::join(words, "; "));
  }

  // The BatchNorms whose sums node `id` takes.
  std::vector<std::string> norms_summed_by(int id) const {
    std::vector<std::string> result;
    for (int i = 0; i < static_cast<int>(rows_.size()); ++i)
      if (fused(i).sums_by == id) result.push_back(name(i));
    return result;
  }

  std::string finished(int id) const {
    const FusedNode& f = fused(id);
    const Reading& r = fused(f.finishes).value;
    std::vector<std::string> words;
    if (r.relu || fused(f.finishes).joins >= 0) words.push_back("ReLU mask");
    const std::vector<std::string> norms = norms_summed_by(id);
    if (!norms.empty()) words.push_back(fmt::format("sums of {}", fmt::join(norms, " and ")));
    if (fused(f.finishes).passed_on) words.push_back("scaled into the gradient of " + name(r.source));
    return fmt::format("{}", fmt::join(words, "; "));
  }

  std::string backward(int id) const {
    const FusedNode& f = fused(id);
    const Kind kind = row(id).traits.kind;
    std::vector<std::string> words;
    if (kind == Kind::input) return "";
    if (f.corrected == Corrected::first) words.push_back("gradient corrected first");
    if (f.loaded_through >= 0)
      words.push_back(fmt::format("loads its gradient through {}", name(f.loaded_through)));
    else if (f.corrected_at_load())
      words.push_back("gradient corrected at the load");
    if (!inputs(id).empty() && fused(inputs(id)[0]).loaded_through == id) {
      words.push_back(fmt::format("gradient of {} left out: put right at its load", name(inputs(id)[0])));
    } else if (f.passed_on) {
      words.push_back(fmt::format("gradient left out: part of that of {}", name(f.value.source)));
    } else if (f.joins >= 0 && !f.finished) {
      words.push_back("mask and sums in one pass");
    } else if (f.finishes >= 0) {
      if (const std::string what = finished(id); !what.empty()) words.push_back(what);
    } else if (f.finished) {
      words.push_back("gradient finished by a reader");
    }
    const std::vector<GradientEdge>& edges = plan_.edges[at(id)];
    if (!edges.empty() && std::all_of(edges.begin(), edges.end(), [](const GradientEdge& e) { return e.aliased; }))
      words.push_back("shares memory: nothing to do");
    else if (!edges.empty() && edges[0].wanted && edges[0].write == Write::add && !f.passed_on)
      words.push_back("adds to the gradient of its input");
    return fmt::format("{}", fmt::join(words, "; "));
  }

  const std::vector<NodeSummary> rows_;
  const Plan plan_;
  const std::vector<Convolution> convolutions_;
  std::vector<std::vector<int>> inputs_;
};

}  // namespace

NetworkPlan network_plan(const Network& net, Node output, int batch) { return Reader(net, output, batch).read(); }

}  // namespace fanin
