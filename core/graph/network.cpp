// SPDX-License-Identifier: MIT
#include "core/graph/network_impl.h"

#include "core/check.h"
#include "core/tensor/parallel.h"

#include <algorithm>
#include <limits>

namespace fanin {

namespace {

constexpr std::size_t kAlignFloats = 16;  // every parameter starts on a cache line

std::size_t aligned(std::size_t floats) { return (floats + kAlignFloats - 1) / kAlignFloats * kAlignFloats; }

std::size_t floats_of(std::span<Parameter* const> parameters) {
  std::size_t floats = 0;
  for (const Parameter* p : parameters) floats += aligned(p->shape.size());
  return floats;
}

void place_gradients(std::span<Parameter* const> parameters, std::span<float> at) {
  std::size_t offset = 0;
  for (Parameter* p : parameters) {
    p->grad = at.subspan(offset, p->shape.size());
    offset += aligned(p->shape.size());
  }
}

}  // namespace

Network::Network(Shape image) : impl_(std::make_unique<Impl>()) {
  FANIN_CHECK(image.height > 0 && image.width > 0 && image.channels > 0, shape,
              "image {}x{}x{}: height, width and channels must be at least 1", image.height, image.width,
              image.channels);
  NodeData input;
  input.name = "input";
  input.plan.kind = NodeKind::input;
  input.plan.shape = image.with_images(1);
  impl_->names.insert("input");
  impl_->nodes.push_back(std::move(input));
}
Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

// --- building

Node Network::input() const { return {0, image()}; }

void Network::Impl::check_node(int id, const Shape& shape, const std::string& path) const {
  FANIN_CHECK(id >= 0 && id < count() && node(id).plan.shape == shape, shape,
              "{}: its input is not a node of this network", path);
}

void Network::Impl::append(NodeData data) {
  FANIN_CHECK(images == 0, shape, "{}: add nodes before prepare()", data.name);
  FANIN_CHECK(names.insert(data.name).second, shape, "{}: this name is taken; give each node its own", data.name);
  nodes.push_back(std::move(data));
}

Node Network::add(const std::string& name, std::unique_ptr<Layer> layer, Node x) {
  NodeData data;
  data.name = impl_->prefix + name;
  impl_->check_node(x.id_, x.shape_, data.name);
  const Shape& input = impl_->node(x.id_).plan.shape;
  try {
    data.plan.shape = layer->output_shape(input);
  } catch (const Error& error) {
    throw Error(error.kind(), data.name + ": " + error.what());
  }
  const Shape& y = data.plan.shape;
  FANIN_CHECK(y.height > 0 && y.width > 0 && y.channels > 0, shape,
              "{}: {} turns {} into {}, which is empty; use a larger image or fewer strides", data.name,
              layer->describe(), to_string(input), to_string(y));
  data.plan.kind = NodeKind::layer;
  data.plan.inputs = {x.id_};
  data.plan.needs = layer->needs();
  data.plan.forward_in_place = layer->forward_in_place();
  data.plan.backward_in_place = layer->backward_in_place();
  data.plan.offers = layer->offers();
  const std::string path = data.name;
  Layer& owned = *layer;
  data.layer = std::move(layer);
  const std::vector<Parameter*> parameters = owned.parameters();
  data.first_parameter = impl_->parameters.size();
  data.parameters = parameters.size();
  data.gradient_floats = floats_of(parameters);
  const Shape shape = data.plan.shape;
  impl_->append(std::move(data));
  for (Parameter* p : parameters) {
    p->name = path + "." + p->name;
    impl_->parameters.push_back(p);
    impl_->by_name.emplace(p->name, p);
  }
  for (StateBuffer* b : owned.buffers()) {
    b->name = path + "." + b->name;
    impl_->buffers.push_back(b);
  }
  return {impl_->count() - 1, shape};
}

NodeData Network::Impl::joined(NodeKind kind, const std::string& name, int a, int b) const {
  NodeData data;
  data.name = prefix + name;
  FANIN_CHECK(a >= 0 && b >= 0 && a < count() && b < count(), shape, "{}: its input is not a node of this network",
              data.name);
  data.plan.kind = kind;
  data.plan.inputs = {a, b};
  data.plan.shape = node(a).plan.shape;
  return data;
}

Node Network::sum(const std::string& name, Node a, Node b) {
  NodeData data = impl_->joined(NodeKind::sum, name, a.id_, b.id_);
  FANIN_CHECK(a.shape_ == b.shape_, shape,
              "{}: cannot add {} {} and {} {}; give the shortcut a convolution with the same stride and channels",
              data.name, impl_->node(a.id_).name, to_string(a.shape_), impl_->node(b.id_).name, to_string(b.shape_));
  impl_->append(std::move(data));
  return {impl_->count() - 1, a.shape_};
}

Node Network::concat(const std::string& name, Node a, Node b) {
  NodeData data = impl_->joined(NodeKind::concat, name, a.id_, b.id_);
  FANIN_CHECK(a.shape_.height == b.shape_.height && a.shape_.width == b.shape_.width, shape,
              "{}: cannot join {} {} and {} {}; height and width must be equal", data.name, impl_->node(a.id_).name,
              to_string(a.shape_), impl_->node(b.id_).name, to_string(b.shape_));
  const Shape shape = a.shape_.with_channels(a.channels() + b.channels());
  data.plan.shape = shape;
  impl_->append(std::move(data));
  return {impl_->count() - 1, shape};
}

Network::Scope::Scope(Network& net, const std::string& name) : network_(net), restore_(net.impl_->prefix.size()) {
  net.impl_->prefix += name + ".";
}
Network::Scope::~Scope() { network_.impl_->prefix.resize(restore_); }

// --- planning

std::vector<PlanNode> Network::Impl::plan_nodes(const PlanOptions& o) const {
  std::vector<PlanNode> result;
  for (const NodeData& n : nodes) {
    result.push_back(n.plan);
    if (!n.layer) continue;
    const Shape input = node(n.plan.inputs[0]).plan.shape.with_images(o.images);
    result.back().forward_scratch = n.layer->forward_scratch_floats(input);
    result.back().scratch = n.layer->scratch_floats(input);
    if (!o.keep_gradients) result.back().scratch += n.gradient_floats;
  }
  return result;
}

void Network::Impl::start_gradients(int id) {
  const std::span<float> gradients = scratch_of(id).first(node(id).gradient_floats);
  std::fill(gradients.begin(), gradients.end(), 0.0f);
  place_gradients(parameters_of(node(id)), gradients);
}

void Network::Impl::check_all_used(int from) const {
  std::vector<bool> used(nodes.size(), false);
  used[static_cast<std::size_t>(from)] = true;
  for (int id = count() - 1; id > 0; --id) {
    FANIN_CHECK(used[static_cast<std::size_t>(id)], shape,
                "{}: nothing leads from it to the output {}; remove it or use it", node(id).name, node(from).name);
    for (const int x : node(id).plan.inputs) used[static_cast<std::size_t>(x)] = true;
  }
}

Plan Network::plan(Node output, PlanOptions options) const {
  options.output = output.id_;
  return make_plan(impl_->plan_nodes(options), options);
}

MemoryEstimate Network::estimate(Node output, int largest_batch, Mode mode) const {
  return estimate(output, {.images = largest_batch, .mode = mode});
}

MemoryEstimate Network::estimate(Node output, PlanOptions options) const {
  const Plan plan = this->plan(output, options);
  const std::size_t parameters = floats_of(impl_->parameters) * sizeof(float), activations = plan.activation_floats();
  return {.parameters = parameters,
          .gradients = options.mode == Mode::train && options.keep_gradients ? parameters : 0,
          .activations = activations * sizeof(float),
          .scratch = (plan.arena_floats - activations + plan.scratch_floats) * sizeof(float)};
}

void Network::prepare(Node output, int largest_batch, Mode mode) {
  prepare(output, {.images = largest_batch, .mode = mode});
}

void Network::prepare(Node output, PlanOptions options) {
  Impl& net = *impl_;
  net.check_node(output.id_, output.shape_, "prepare");
  FANIN_CHECK(output.id_ > 0, shape, "prepare: the network has no layer");
  FANIN_CHECK(options.images >= 1, usage, "prepare: batch {}; it must be at least 1", options.images);
  net.check_all_used(output.id_);
  options.output = output.id_;
  net.options = options;
  net.lay_out();
  net.images = options.images;
  net.output = output.id_;
  net.prepared_for = options.mode;
  const bool keep = options.mode == Mode::train && options.keep_gradients;
  const std::size_t floats = floats_of(net.parameters);
  net.values = Buffer(floats);
  net.gradients = Buffer(keep ? floats : 0);
  if (keep) place_gradients(net.parameters, net.gradients.span());
  std::size_t offset = 0;
  for (Parameter* p : net.parameters) {
    p->value = net.values.span().subspan(offset, p->shape.size());
    std::fill(p->value.begin(), p->value.end(), std::numeric_limits<float>::quiet_NaN());
    offset += aligned(p->shape.size());
  }
}

int Network::largest_batch() const { return impl_->images; }
bool Network::keeps_gradients() const { return impl_->options.keep_gradients; }

}  // namespace fanin
