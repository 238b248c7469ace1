// Forward where values are left out (fuse.h). The order is that of network_run.cpp, node by node; what is missing is read
// through a transform, and what belongs to it is done by its neighbours. network_run_fused_backward.cpp goes back.
// SPDX-License-Identifier: MIT
#include "core/graph/network_impl.h"

#include <algorithm>

namespace fanin {

// What to read for the value of a node, which may not exist.
Operand Network::Impl::operand(int id) {
  const Reading& reading = fused(id).value;
  Operand result{any_value(reading.source), {}};
  if (reading.norm >= 0) result.transform = node(reading.norm).layer->transform();
  result.transform.relu = reading.relu;
  return result;
}

Moments Network::Impl::moments(int id) const {
  const int row = fused(id).moments;
  if (row < 0 || pass.mode == Mode::evaluate) return {};
  const double count = static_cast<double>(node(id).plan.shape.with_images(current_images).pixels());
  return {means.data() + row, squares.data() + row, count};
}

// The statistics of the value that node `id` has just written; `known`: those of each image are there.
void Network::Impl::take_moments(int id, bool known) {
  const int y = fused(id).writes;
  if (fused(y).moments < 0 || pass.mode == Mode::evaluate) return;
  float* const of_images = partials(plan.moments[static_cast<std::size_t>(id)]);
  const auto take = [&](ConstView x, int row) {
    if (!known) moments_of_images(x, of_images);
    join_moments(of_images, x.shape, means.data() + row, squares.data() + row);
  };
  if (node(y).plan.kind != NodeKind::concat) return take(value(y), fused(y).moments);
  int row = fused(y).moments;
  for (const int x : node(y).plan.inputs) {
    const int channels = node(x).plan.shape.channels, from = fused(x).moments;
    if (from < 0) {
      take(any_value(x), row);
    } else if (from != row) {
      std::copy_n(means.begin() + from, channels, means.begin() + row);
      std::copy_n(squares.begin() + from, channels, squares.begin() + row);
    }
    row += channels;
  }
}

// How the value of a ReLU that joins is computed. In the backward pass it comes back after it has died: if an operand is
// such a value, too, and not back, through that one, ReLU(ReLU(c + d) + b).
Joined Network::Impl::joined(int id) {
  static_assert(kMostOperands == kThrough + 1);
  const int through = going_back ? plan.again_through[static_cast<std::size_t>(id)] : -1;
  Joined result;
  if (through >= 0) result = joined(through);
  for (const int x : node(fused(id).joins).plan.inputs)
    if (x != through) result.operands[result.count++] = operand(x);
  result.x = value(id);
  return result;
}

// What convolution `id` does to write the value of `y`: a sum that it is an operand of, or a ReLU that joins one.
void Network::Impl::write_for(int y, int id, ForwardEpilogue& e) {
  e.joins = fused(y).joins >= 0;
  for (const int x : node(e.joins ? fused(y).joins : y).plan.inputs) {
    const Reading& reading = fused(x).value;
    if (reading.norm >= 0) {
      // Its turn comes later, but with running statistics there is nothing to wait for: it makes its rows.
      const ConstView nothing{nullptr, node(reading.norm).plan.shape.with_images(current_images), 0};
      node(reading.norm).layer->forward(nothing, {nullptr, nothing.shape, 0}, pass_of(reading.norm));
    }
    const Operand from = operand(x);
    if (reading.source == id) {
      e.own = from.transform;
    } else {
      e.add = from.x;
      e.other = from.transform;
    }
  }
}

void Network::Impl::forward_fused_layer(int id) {
  const NodeData& n = node(id);
  const FusedNode& f = fused(id);
  Pass p = pass_of(id);
  if (n.plan.offers.lazy == Lazy::norm) {
    View y{nullptr, n.plan.shape.with_images(current_images), 0};
    if (f.stored()) y = value(id);
    p.moments = moments(n.plan.inputs[0]);
    n.layer->forward(any_value(n.plan.inputs[0]), y, p);
  }
  if (f.writes < 0) return;
  const View y = value(f.writes);
  if (f.joins >= 0) {
    join_forward(joined(id));
  } else if (n.plan.offers.lazy != Lazy::norm) {
    const Operand x = operand(n.plan.inputs[0]);
    p.transform = x.transform;
    Joined input;
    if (const int r = n.plan.inputs[0]; fused(r).joined_by == id) {
      input = joined(r);
      p.transform.joined = &input;
    }
    if (n.plan.offers.forward_epilogue && moments(f.writes).mean != nullptr)
      p.forward_epilogue.moments = partials(plan.moments[static_cast<std::size_t>(id)]);
    if (f.writes != id) write_for(f.writes, id, p.forward_epilogue);
    n.layer->forward(x.x, y, p);
  }
  take_moments(id, p.forward_epilogue.moments != nullptr);
}

void Network::Impl::forward_fused(int id) {
  const PlanNode& n = node(id).plan;
  if (n.kind == NodeKind::layer) return forward_fused_layer(id);
  if (fused(id).writes < 0) return;
  if (n.kind == NodeKind::concat)
    forward_concat(id);
  else if (fused(n.inputs[0]).stored() && fused(n.inputs[1]).stored())
    forward_sum(id);
  else
    join_forward(operand(n.inputs[0]), operand(n.inputs[1]), value(id));
  take_moments(id, false);
}

}  // namespace fanin
