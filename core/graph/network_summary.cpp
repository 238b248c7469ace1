// What a network tells about itself.
// SPDX-License-Identifier: MIT
#include "core/graph/network_impl.h"

namespace fanin {

std::vector<Parameter*> Network::parameters() const { return impl_->parameters; }
std::vector<StateBuffer*> Network::buffers() const { return impl_->buffers; }

Parameter* Network::find_parameter(std::string_view name) const {
  const auto found = impl_->by_name.find(name);
  return found == impl_->by_name.end() ? nullptr : found->second;
}

std::vector<NodeSummary> Network::summary() const {
  std::vector<NodeSummary> rows;
  for (const NodeData& n : impl_->nodes) {
    NodeSummary row{.name = n.name,
                    .description = "input",
                    .traits = {.kind = Traits::Kind::input},
                    .inputs = {},
                    .output = n.plan.shape,
                    .parameters = 0,
                    .macs = 0,
                    .weights = {}};
    for (const int input : n.plan.inputs) row.inputs.push_back(impl_->node(input).name);
    if (n.plan.kind == NodeKind::sum) row.description = "sum", row.traits.kind = Traits::Kind::sum;
    if (n.plan.kind == NodeKind::concat) row.description = "concat", row.traits.kind = Traits::Kind::concat;
    if (n.layer) {
      row.description = n.layer->describe();
      row.traits = n.layer->traits();
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
