// Forward and backward where values are left out (fuse.h). The order is that of network_run.cpp, node by node; what is
// missing is read through a transform, and what belongs to it is done by its neighbours.
// SPDX-License-Identifier: MIT
#include "core/graph/network_impl.h"
#include "core/tensor/matrix.h"

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
    if (const int r = n.plan.inputs[0]; fused(r).made_by == id) {
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

// A ReLU that has computed its sum: the mask, and the sums of the BatchNorms in front, unless they are done.
void Network::Impl::backward_join(int id) {
  const int s = fused(id).joins;
  if (fused(id).finished) {
    const View dy = gradient(id), dx = gradient(s);
    if (dx.data != dy.data)
      plan.edges[static_cast<std::size_t>(id)][0].write == Write::overwrite ? copy(dy, dx) : accumulate(dy, dx);
    return;
  }
  JoinSums sums[2];
  for (std::size_t k = 0; k < 2; ++k) {
    const int x = node(s).plan.inputs[k];
    if (fused(x).sums_by != id) continue;
    sums[k] = {any_value(fused(x).value.source), node(x).layer->transform().mean,
               partials(plan.sums[static_cast<std::size_t>(x)])};
  }
  join_backward(value(id), gradient(id), gradient(s), plan.edges[static_cast<std::size_t>(id)][0].write, sums[0],
                sums[1]);
}

// Of a BatchNorm or ReLU whose gradient went into that of its source, and of a BatchNorm whose gradient is loaded by the
// convolution in front: parameter gradients, and what the gradient of the input still lacks.
void Network::Impl::backward_without_gradient(int id) {
  const NodeData& n = node(id);
  if (n.plan.offers.lazy != Lazy::norm) return;
  const ConstView x = any_value(n.plan.inputs[0]);
  Pass p = pass_of(id);
  p.sums = partials(plan.sums[static_cast<std::size_t>(id)]);
  p.correction = correction(n.plan.inputs[0]);
  const ConstView nothing{nullptr, x.shape, 0};
  n.layer->backward(x, nothing, nothing, {nullptr, x.shape, 0}, Write::overwrite, p);
}

Correction Network::Impl::correction(int id) {
  const int rows = plan.fusion.moment_channels;
  float* const constant = corrections.data() + fused(id).moments;
  return {constant, constant + rows, constant + 2 * rows};
}

// Puts the gradient of a node right that BatchNorms have passed on to it.
void Network::Impl::correct(int id) {
  const Correction c = correction(id);
  const View dx = gradient(id);
  if (pass.mode == Mode::train) correct_gradient(value(id), c, dx);
  clear_correction(id);
}

void Network::Impl::clear_correction(int id) {
  const Correction c = correction(id);
  std::fill_n(c.constant, node(id).plan.shape.channels, 0.0f);
  std::fill_n(c.slope, node(id).plan.shape.channels, 0.0f);
}

// What node `id` does with the gradient that it completes.
BackwardEpilogue Network::Impl::finish(int id) {
  const int v = fused(id).finishes;
  const Operand from = operand(v);
  BackwardEpilogue e{.x = from.x, .transform = from.transform, .scaled = fused(v).passed_on};
  const int norm = fused(v).value.norm;
  if (norm >= 0 && fused(norm).sums_by == id) e.sums = partials(plan.sums[static_cast<std::size_t>(norm)]);
  if (fused(v).joins < 0) return e;
  e.transform.relu = true;
  for (std::size_t k = 0; k < 2; ++k) {
    const int x = node(fused(v).joins).plan.inputs[k];
    if (fused(x).sums_by == id)
      e.others[k] = {any_value(fused(x).value.source), node(x).layer->transform().mean,
                     partials(plan.sums[static_cast<std::size_t>(x)])};
  }
  return e;
}

void Network::Impl::backward_fused_layer(int id) {
  const NodeData& n = node(id);
  const FusedNode& f = fused(id);
  const int input = n.plan.inputs[0];
  if (f.passed_on || fused(input).loaded_through == id) return backward_without_gradient(id);
  const GradientEdge& edge = plan.edges[static_cast<std::size_t>(id)][0];
  const ConstView dy = gradient(f.loaded_through >= 0 ? f.loaded_through : id);
  View dx{nullptr, node(input).plan.shape.with_images(current_images), 0};
  if (edge.wanted) dx = gradient(plan.fusion.gradient_of(input));
  for (const std::pair<int, int>& gap : edge.clear) fill(dx.channels(gap.first, gap.second), 0.0f);
  if (f.joins >= 0) return backward_join(id);
  if (n.plan.offers.lazy == Lazy::relu && !f.stored()) {
    if (f.finished) {  // the mask is on
      if (dx.data != dy.data) edge.write == Write::overwrite ? copy(dy, dx) : accumulate(dy, dx);
    } else {
      mask_backward(operand(id), dy, dx, edge.write);
    }
    return;
  }
  Pass p = pass_of(id);
  ConstView x{nullptr, dx.shape, 0}, y{nullptr, dy.shape, 0};
  Joined again;
  if (n.plan.needs.input) {
    const Operand from = operand(input);
    x = from.x;
    p.transform = from.transform;
    if (joins_again(id)) {
      again = joined(input);
      p.transform.joined = &again;
    }
  }
  if (n.plan.needs.output) y = value(id);
  if (f.finishes >= 0) p.backward_epilogue = finish(id);
  p.sums = partials(plan.sums[static_cast<std::size_t>(id)]);
  if (!f.corrected_at_load()) return n.layer->backward(x, y, dy, dx, edge.write, p);
  const Correction c = correction(id);
  Gradient loaded(dy);
  loaded.y = value(id);
  if (f.loaded_through >= 0) loaded.factor = node(f.loaded_through).layer->transform().factor;
  loaded.constant = c.constant, loaded.slope = c.slope, loaded.mean = c.mean;
  p.dy = &loaded;
  n.layer->backward(x, y, dy, dx, edge.write, p);
  clear_correction(id);
}

// Whether a value that comes back is joined while `id` loads it: its input, and nothing else that comes back now.
bool Network::Impl::joins_again(int id) const {
  const std::vector<int>& gone = plan.compute_again[static_cast<std::size_t>(id)];
  const PlanNode& n = node(id).plan;
  return gone.size() == 1 && gone[0] == n.inputs[0] && n.offers.joins_input &&
         plan.edges[static_cast<std::size_t>(id)][0].wanted;
}

void Network::Impl::backward_fused(int id) {
  if (!joins_again(id))
    for (const int gone : plan.compute_again[static_cast<std::size_t>(id)])
      join_forward(joined(gone));
  if (fused(id).corrected == Corrected::first) correct(id);
  if (node(id).plan.kind == NodeKind::layer)
    backward_fused_layer(id);
  else
    backward_node(id);
}

}  // namespace fanin
