// Forward and backward over the planned nodes. Where values are left out, network_run_fused.cpp runs the nodes.
// SPDX-License-Identifier: MIT
#include "core/check.h"
#include "core/graph/network_impl.h"
#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

namespace fanin {

void Network::Impl::forward_sum(int id) {
  const std::vector<int>& inputs = node(id).plan.inputs;
  const View y = value(id);
  const ConstView a = any_value(inputs[0]), b = any_value(inputs[1]);
  if (a.data == y.data) return accumulate(b, y);
  if (b.data == y.data) return accumulate(a, y);
  for_row_blocks(a, b, y, [](ConstView ra, ConstView rb, View ry) { as_matrix(ry) = as_matrix(ra) + as_matrix(rb); });
}

void Network::Impl::forward_concat(int id) {
  int channel = 0;
  for (const int x : node(id).plan.inputs) {
    const ConstView from = any_value(x);
    const View to = value(id).channels(channel, from.shape.channels);
    if (from.data != to.data) copy(from, to);
    channel += from.shape.channels;
  }
}

void Network::Impl::forward_node(int id) {
  const NodeData& n = node(id);
  if (n.plan.kind == NodeKind::sum) forward_sum(id);
  if (n.plan.kind == NodeKind::concat) forward_concat(id);
  if (n.plan.kind == NodeKind::layer) n.layer->forward(any_value(n.plan.inputs[0]), value(id), pass_of(id));
  if (observer) observer->value(n.name, value(id));
}

ConstView Network::forward(ConstView images, Mode mode) {
  Impl& net = *impl_;
  const Shape& expected = net.node(0).plan.shape;
  FANIN_CHECK(net.images > 0, shape, "forward: call prepare() first");
  FANIN_CHECK(images.shape.with_images(1) == expected && images.shape.images >= 1 && images.shape.images <= net.images,
              shape, "forward: got images {}, but the network was prepared for 1 to {} of {}x{}x{}",
              to_string(images.shape), net.images, expected.height, expected.width, expected.channels);
  FANIN_CHECK(mode == Mode::evaluate || net.prepared_for == Mode::train, usage,
              "forward: the network was prepared for evaluation; prepare it with Mode::train");
  FANIN_CHECK(thread_count() <= net.scratch_threads, usage,
              "forward: {} threads, but prepare() saw {}; set threads before prepare()", thread_count(),
              net.scratch_threads);
  net.input = images;
  net.current_images = images.shape.images;
  net.going_back = false;
  net.pass.mode = mode;
  if (net.observer) net.observer->value(net.node(0).name, images);
  for (int id = 1; id < net.count(); ++id)
    if (net.plan.fused)
      net.forward_fused(id);
    else
      net.forward_node(id);
  net.ready_for_backward = net.prepared_for == Mode::train;
  return net.value(net.output);
}

// A sum or concat hands its gradient, or a slice of it, to an input.
void Network::Impl::pass_on(int id, std::size_t input, ConstView dy) {
  const GradientEdge& edge = plan.edges[static_cast<std::size_t>(id)][input];
  if (!edge.wanted || edge.aliased) return;
  const View dx = gradient(node(id).plan.inputs[input]);
  if (edge.write == Write::overwrite) return copy(dy, dx);
  for (const std::pair<int, int>& gap : edge.clear) fill(dx.channels(gap.first, gap.second), 0.0f);
  accumulate(dy, dx);
}

void Network::Impl::backward_node(int id) {
  const NodeData& n = node(id);
  const ConstView dy = gradient(id);
  if (observer) observer->gradient(n.name, dy);
  if (n.plan.kind == NodeKind::layer) {
    const GradientEdge& edge = plan.edges[static_cast<std::size_t>(id)][0];
    const int x = n.plan.inputs[0];
    View dx{nullptr, node(x).plan.shape.with_images(current_images), 0};
    if (edge.wanted) dx = gradient(x);
    for (const std::pair<int, int>& gap : edge.clear) fill(dx.channels(gap.first, gap.second), 0.0f);
    ConstView input_value{nullptr, dx.shape, 0}, output_value{nullptr, dy.shape, 0};
    if (n.plan.needs.input) input_value = any_value(x);
    if (n.plan.needs.output) output_value = value(id);
    n.layer->backward(input_value, output_value, dy, dx, edge.write, pass_of(id));
    return;
  }
  int channel = 0;
  for (std::size_t input = 0; input < n.plan.inputs.size(); ++input) {
    const int channels = node(n.plan.inputs[input]).plan.shape.channels;
    pass_on(id, input, n.plan.kind == NodeKind::concat ? dy.channels(channel, channels) : dy);
    channel += channels;
  }
}

void Network::backward(ConstView output_gradient, GradientReader* reader) {
  Impl& net = *impl_;
  FANIN_CHECK(net.ready_for_backward, usage,
              "backward: it must follow a forward pass of a network prepared with Mode::train, once");
  FANIN_CHECK(net.options.keep_gradients || reader != nullptr, usage,
              "backward: nobody reads the gradients, and they are not kept; prepare with PlanOptions::keep_gradients");
  net.ready_for_backward = false;
  const View target = net.gradient(net.output);
  FANIN_CHECK(output_gradient.shape == target.shape, shape, "backward: the gradient is {}, but the output is {}",
              to_string(output_gradient.shape), to_string(target.shape));
  const std::span<float> gradients = net.gradients.span();
  std::fill(gradients.begin(), gradients.end(), 0.0f);
  copy(output_gradient, target);
  net.going_back = true;
  for (int id = net.count() - 1; id > 0; --id) {
    if (!net.options.keep_gradients) net.start_gradients(id);
    if (net.plan.fused)
      net.backward_fused(id);
    else
      net.backward_node(id);
    const NodeData& n = net.node(id);
    for (std::size_t k = 0; reader != nullptr && k < n.parameters; ++k) reader->complete(n.first_parameter + k);
  }
}

void Network::set_random_state(std::uint64_t seed, std::uint64_t step) {
  impl_->pass.seed = seed;
  impl_->pass.step = step;
}

void Network::Impl::lay_out() {
  PlanOptions how = options;
  how.fuse = fuse();
  plan = make_plan(plan_nodes(how), how);
  arena = Buffer(), scratch = Buffer();  // the old ones go before the new ones come
  arena = Buffer(plan.arena_floats);
  scratch = Buffer(plan.scratch_floats);
  scratch_threads = thread_count();
  means.assign(static_cast<std::size_t>(plan.fusion.moment_channels), 0.0);
  squares.assign(means.size(), 0.0);
  corrections.assign(3 * means.size(), 0.0f);
  ready_for_backward = false;
}

void Network::observe(Observer* observer) {
  impl_->observer = observer;
  if (impl_->images > 0 && impl_->fuse() != impl_->plan.fused) impl_->lay_out();
}

}  // namespace fanin
