// SPDX-License-Identifier: MIT
#include "core/graph/network.h"

#include "core/check.h"
#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

namespace fanin {

namespace {

constexpr std::size_t kAlignFloats = 16;  // every parameter starts on a cache line

std::size_t aligned(std::size_t floats) { return (floats + kAlignFloats - 1) / kAlignFloats * kAlignFloats; }

struct NodeData {
  std::string name;
  PlanNode plan;  // kind, inputs, shape
  std::unique_ptr<Layer> layer;
};

}  // namespace

struct Network::Impl {
  std::vector<NodeData> nodes;
  std::unordered_set<std::string> names;
  std::string prefix;
  std::vector<Parameter*> parameters;
  std::vector<StateBuffer*> buffers;
  std::unordered_map<std::string_view, Parameter*> by_name;

  // After prepare.
  Plan plan;
  int images = 0, output = -1;
  Mode prepared_for = Mode::train;
  Buffer values, gradients, arena, scratch;
  int scratch_threads = 0;

  // Of the last forward pass.
  ConstView input;
  int current_images = 0;
  bool ready_for_backward = false;
  Pass pass;
  Observer* observer = nullptr;

  const NodeData& node(int id) const { return nodes[static_cast<std::size_t>(id)]; }
  NodeData& node(int id) { return nodes[static_cast<std::size_t>(id)]; }
  int count() const { return static_cast<int>(nodes.size()); }

  void append(NodeData data);
  void check_node(int id, const Shape& shape, const std::string& path) const;
  std::vector<PlanNode> plan_nodes() const;
  std::size_t scratch_floats(int batch) const;
  std::size_t parameter_floats() const;
  void check_all_used(int from) const;

  View view(const Place& place, int id) {
    const Storage& s = plan.storages[static_cast<std::size_t>(place.storage)];
    return {arena.data() + s.offset + place.first_channel, node(id).plan.shape.with_images(current_images), s.channels};
  }
  View value(int id) { return view(plan.value[static_cast<std::size_t>(id)], id); }
  ConstView any_value(int id) { return id == 0 ? input : ConstView(value(id)); }
  View gradient(int id) { return view(plan.gradient[static_cast<std::size_t>(id)], id); }

  const Pass& pass_of(const NodeData& n) {
    pass.node = n.name;
    return pass;
  }
  void forward_sum(int id);
  void forward_concat(int id);
  void backward_node(int id);
  void pass_on(int id, std::size_t input, ConstView dy);
};

Network::Network(Shape image) : impl_(std::make_unique<Impl>()) {
  FANIN_CHECK(image.height > 0 && image.width > 0 && image.channels > 0, shape,
              "image {}x{}x{}: height, width and channels must be at least 1", image.height, image.width, image.channels);
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
  FANIN_CHECK(id >= 0 && id < count() && node(id).plan.shape == shape, shape, "{}: its input is not a node of this network", path);
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
              "{}: {} turns {} into {}, which is empty; use a larger image or fewer strides", data.name, layer->describe(),
              to_string(input), to_string(y));
  data.plan.kind = NodeKind::layer;
  data.plan.inputs = {x.id_};
  data.plan.needs = layer->needs();
  data.plan.forward_in_place = layer->forward_in_place();
  data.plan.backward_in_place = layer->backward_in_place();
  const std::string path = data.name;
  Layer& owned = *layer;
  data.layer = std::move(layer);
  const Shape shape = data.plan.shape;
  impl_->append(std::move(data));
  for (Parameter* p : owned.parameters()) {
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

Node Network::sum(const std::string& name, Node a, Node b) {
  NodeData data;
  data.name = impl_->prefix + name;
  impl_->check_node(a.id_, a.shape_, data.name);
  impl_->check_node(b.id_, b.shape_, data.name);
  data.plan.kind = NodeKind::sum;
  data.plan.inputs = {a.id_, b.id_};
  data.plan.shape = impl_->node(a.id_).plan.shape;
  FANIN_CHECK(data.plan.shape == impl_->node(b.id_).plan.shape, shape,
              "{}: cannot add {} {} and {} {}; give the shortcut a convolution with the same stride and channels", data.name,
              impl_->node(a.id_).name, to_string(data.plan.shape), impl_->node(b.id_).name, to_string(impl_->node(b.id_).plan.shape));
  const Shape shape = data.plan.shape;
  impl_->append(std::move(data));
  return {impl_->count() - 1, shape};
}

Node Network::concat(const std::string& name, Node a, Node b) {
  NodeData data;
  data.name = impl_->prefix + name;
  impl_->check_node(a.id_, a.shape_, data.name);
  impl_->check_node(b.id_, b.shape_, data.name);
  data.plan.kind = NodeKind::concat;
  data.plan.inputs = {a.id_, b.id_};
  const Shape &sa = impl_->node(a.id_).plan.shape, &sb = impl_->node(b.id_).plan.shape;
  FANIN_CHECK(sa.height == sb.height && sa.width == sb.width, shape,
              "{}: cannot join {} {} and {} {}; height and width must be equal", data.name, impl_->node(a.id_).name,
              to_string(sa), impl_->node(b.id_).name, to_string(sb));
  data.plan.shape = sa.with_channels(sa.channels + sb.channels);
  const Shape shape = data.plan.shape;
  impl_->append(std::move(data));
  return {impl_->count() - 1, shape};
}

Network::Scope::Scope(Network& net, const std::string& name) : network_(net), restore_(net.impl_->prefix.size()) {
  net.impl_->prefix += name + ".";
}
Network::Scope::~Scope() { network_.impl_->prefix.resize(restore_); }

// --- planning

std::vector<PlanNode> Network::Impl::plan_nodes() const {
  std::vector<PlanNode> result;
  for (const NodeData& n : nodes) result.push_back(n.plan);
  return result;
}

std::size_t Network::Impl::scratch_floats(int batch) const {
  std::size_t floats = 0;
  for (const NodeData& n : nodes)
    if (n.layer) floats = std::max(floats, n.layer->scratch_floats(node(n.plan.inputs[0]).plan.shape.with_images(batch)));
  return floats;
}

std::size_t Network::Impl::parameter_floats() const {
  std::size_t floats = 0;
  for (const Parameter* p : parameters) floats += aligned(p->shape.size());
  return floats;
}

void Network::Impl::check_all_used(int from) const {
  std::vector<bool> used(nodes.size(), false);
  used[static_cast<std::size_t>(from)] = true;
  for (int id = count() - 1; id > 0; --id) {
    FANIN_CHECK(used[static_cast<std::size_t>(id)], shape, "{}: nothing leads from it to the output {}; remove it or use it",
                node(id).name, node(from).name);
    for (const int x : node(id).plan.inputs) used[static_cast<std::size_t>(x)] = true;
  }
}

MemoryEstimate Network::estimate(Node output, int largest_batch, Mode mode) const {
  const PlanOptions options{.images = largest_batch, .output = output.id_, .mode = mode};
  const Plan plan = make_plan(impl_->plan_nodes(), options);
  const std::size_t parameters = impl_->parameter_floats() * sizeof(float);
  return {.parameters = parameters,
          .gradients = mode == Mode::train ? parameters : 0,
          .activations = plan.arena_floats * sizeof(float),
          .scratch = impl_->scratch_floats(largest_batch) * sizeof(float)};
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
  net.plan = make_plan(net.plan_nodes(), options);
  net.images = options.images;
  net.output = output.id_;
  net.prepared_for = options.mode;
  const std::size_t floats = net.parameter_floats();
  net.values = Buffer(floats);
  net.gradients = Buffer(options.mode == Mode::train ? floats : 0);
  net.arena = Buffer(net.plan.arena_floats);
  net.scratch = Buffer(net.scratch_floats(options.images));
  net.scratch_threads = thread_count();
  std::size_t offset = 0;
  for (Parameter* p : net.parameters) {
    p->value = net.values.span().subspan(offset, p->shape.size());
    if (options.mode == Mode::train) p->grad = net.gradients.span().subspan(offset, p->shape.size());
    std::fill(p->value.begin(), p->value.end(), std::numeric_limits<float>::quiet_NaN());
    offset += aligned(p->shape.size());
  }
}

int Network::largest_batch() const { return impl_->images; }

// --- running

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

ConstView Network::forward(ConstView images, Mode mode) {
  Impl& net = *impl_;
  const Shape& expected = net.node(0).plan.shape;
  FANIN_CHECK(net.images > 0, shape, "forward: call prepare() first");
  FANIN_CHECK(images.shape.with_images(1) == expected && images.shape.images >= 1 && images.shape.images <= net.images, shape,
              "forward: got images {}, but the network was prepared for 1 to {} of {}x{}x{}", to_string(images.shape), net.images,
              expected.height, expected.width, expected.channels);
  FANIN_CHECK(mode == Mode::evaluate || net.prepared_for == Mode::train, usage,
              "forward: the network was prepared for evaluation; prepare it with Mode::train");
  FANIN_CHECK(thread_count() <= net.scratch_threads, usage, "forward: {} threads, but prepare() saw {}; set threads before prepare()",
              thread_count(), net.scratch_threads);
  net.input = images;
  net.current_images = images.shape.images;
  net.pass.mode = mode;
  net.pass.scratch = net.scratch.span();
  if (net.observer) net.observer->value(net.node(0).name, images);
  for (int id = 1; id < net.count(); ++id) {
    const NodeData& n = net.node(id);
    if (n.plan.kind == NodeKind::sum) net.forward_sum(id);
    if (n.plan.kind == NodeKind::concat) net.forward_concat(id);
    if (n.plan.kind == NodeKind::layer) n.layer->forward(net.any_value(n.plan.inputs[0]), net.value(id), net.pass_of(n));
    if (net.observer) net.observer->value(n.name, net.value(id));
  }
  net.ready_for_backward = mode == Mode::train;
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
    n.layer->backward(input_value, output_value, dy, dx, edge.write, pass_of(n));
    return;
  }
  int channel = 0;
  for (std::size_t input = 0; input < n.plan.inputs.size(); ++input) {
    const int channels = node(n.plan.inputs[input]).plan.shape.channels;
    pass_on(id, input, n.plan.kind == NodeKind::concat ? dy.channels(channel, channels) : dy);
    channel += channels;
  }
}

void Network::backward(ConstView output_gradient) {
  Impl& net = *impl_;
  FANIN_CHECK(net.ready_for_backward, usage, "backward: it must follow a forward pass in Mode::train, once");
  net.ready_for_backward = false;
  const View target = net.gradient(net.output);
  FANIN_CHECK(output_gradient.shape == target.shape, shape, "backward: the gradient is {}, but the output is {}",
              to_string(output_gradient.shape), to_string(target.shape));
  const std::span<float> gradients = net.gradients.span();
  std::fill(gradients.begin(), gradients.end(), 0.0f);
  copy(output_gradient, target);
  for (int id = net.count() - 1; id > 0; --id) net.backward_node(id);
}

void Network::set_random_state(std::uint64_t seed, std::uint64_t step) {
  impl_->pass.seed = seed;
  impl_->pass.step = step;
}

void Network::observe(Observer* observer) { impl_->observer = observer; }

// --- looking

std::vector<Parameter*> Network::parameters() const { return impl_->parameters; }
std::vector<StateBuffer*> Network::buffers() const { return impl_->buffers; }

Parameter* Network::find_parameter(std::string_view name) const {
  const auto found = impl_->by_name.find(name);
  return found == impl_->by_name.end() ? nullptr : found->second;
}

std::vector<NodeSummary> Network::summary() const {
  std::vector<NodeSummary> rows;
  for (const NodeData& n : impl_->nodes) {
    NodeSummary row{.name = n.name, .description = "input", .output = n.plan.shape, .parameters = 0, .macs = 0, .weights = {}};
    if (n.plan.kind == NodeKind::sum) row.description = "sum";
    if (n.plan.kind == NodeKind::concat) row.description = "concat";
    if (n.layer) {
      row.description = n.layer->describe();
      row.macs = n.layer->macs(impl_->node(n.plan.inputs[0]).plan.shape);
      for (const Parameter* p : n.layer->parameters()) {
        row.weights.push_back(p);
        row.parameters += static_cast<std::int64_t>(p->shape.size());
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

const Shape& Network::image() const { return impl_->node(0).plan.shape; }
std::span<float> Network::values() const { return impl_->values.span(); }
std::span<float> Network::gradients() const { return impl_->gradients.span(); }

}  // namespace fanin
