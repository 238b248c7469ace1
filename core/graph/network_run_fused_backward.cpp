// Backward where values are left out, as network_run_fused.cpp goes forward.
// SPDX-License-Identifier: MIT
#include "core/graph/network_impl.h"
#include "core/tensor/matrix.h"

namespace fanin {

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
    for (const int gone : plan.compute_again[static_cast<std::size_t>(id)]) join_forward(joined(gone));
  if (fused(id).corrected == Corrected::first) correct(id);
  if (node(id).plan.kind == NodeKind::layer)
    backward_fused_layer(id);
  else
    backward_node(id);
}

}  // namespace fanin
