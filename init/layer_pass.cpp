// SPDX-License-Identifier: MIT
#include "init/layer_pass.h"

#include <algorithm>

namespace fanin {

std::vector<WeightLayer> weight_layers(Network& net) {
  std::vector<WeightLayer> layers;
  for (const NodeSummary& row : net.summary()) {
    if (row.weights.empty() || row.weights.front()->shape.rank < 2) continue;
    WeightLayer layer{row.name, net.find_parameter(row.weights.front()->name), nullptr};
    if (row.weights.size() > 1) layer.bias = net.find_parameter(row.weights[1]->name);
    layers.push_back(layer);
  }
  return layers;
}

bool all_zero(const Parameter& p) {
  return std::all_of(p.value.begin(), p.value.end(), [](float v) { return v == 0.0f; });
}

void scale(Parameter& p, double factor) {
  for (float& v : p.value) v = static_cast<float>(factor * static_cast<double>(v));
}

class WatchedPasses::Look : public Observer {
 public:
  explicit Look(std::function<void(std::string_view, ConstView)> look) : look_(std::move(look)) {}
  void value(std::string_view node, ConstView output) override { look_(node, output); }

 private:
  const std::function<void(std::string_view, ConstView)> look_;
};

WatchedPasses::WatchedPasses(Network& net, std::uint64_t seed, std::function<void(std::string_view, ConstView)> look)
    : net_(net), seed_(seed) {
  for (const StateBuffer* buffer : net.buffers()) kept_.push_back(buffer->value);
  if (!look) return;
  look_ = std::make_unique<Look>(std::move(look));
  net.observe(look_.get());
}

WatchedPasses::~WatchedPasses() {
  if (look_) net_.observe(nullptr);
  for (std::size_t i = 0; i < kept_.size(); ++i) net_.buffers()[i]->value = kept_[i];
}

ConstView WatchedPasses::forward(const Batch& sample) {
  net_.set_random_state(seed_, 0);
  return net_.forward(sample.images, Mode::train);
}

OutputMoments output_moments(ConstView v) {
  OutputMoments m;
  const double count = static_cast<double>(v.shape.size());
  for (std::size_t p = 0; p < v.shape.pixels(); ++p)
    for (int c = 0; c < v.shape.channels; ++c) m.mean += static_cast<double>(v.pixel(p)[c]);
  m.mean /= count;
  for (std::size_t p = 0; p < v.shape.pixels(); ++p)
    for (int c = 0; c < v.shape.channels; ++c) {
      const double off = static_cast<double>(v.pixel(p)[c]) - m.mean;
      m.variance += off * off;
    }
  m.variance /= count;
  return m;
}

}  // namespace fanin
