// SPDX-License-Identifier: MIT
#include "init/kraehenbuehl.h"

#include "core/check.h"
#include "core/rng.h"
#include "init/layer_pass.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

using Channels = std::vector<OutputMoments>;

Channels channels_of(Network& net, const WeightLayer& layer, const Batch& sample, std::uint64_t seed) {
  Channels result;
  WatchedPasses passes(net, seed, [&](std::string_view node, ConstView v) {
    if (node == layer.node)
      for (int c = 0; c < v.shape.channels; ++c) result.push_back(output_moments(v.channels(c, 1)));
  });
  passes.forward(sample);
  return result;
}

// Root mean square gradient over the size of the weights, of a random linear function of the logits.
std::vector<double> relative_rates(Network& net, const std::vector<WeightLayer>& layers, const Batch& sample,
                                   std::uint64_t seed) {
  WatchedPasses passes(net, seed);
  const ConstView logits = passes.forward(sample);
  Tensor gradient(logits.shape);
  const Rng rng = Rng::stream(seed, "init-network/kraehenbuehl");
  for (std::size_t i = 0; i < logits.shape.size(); ++i) gradient.view().data[i] = static_cast<float>(rng.normal(i));
  net.backward(gradient.view());
  std::vector<double> rates;
  for (const WeightLayer& layer : layers) {
    double gradients = 0.0, weights = 0.0;
    for (const float g : layer.weight->grad) gradients += static_cast<double>(g) * static_cast<double>(g);
    for (const float w : layer.weight->value) weights += static_cast<double>(w) * static_cast<double>(w);
    rates.push_back(std::sqrt(gradients / static_cast<double>(layer.weight->grad.size()) / weights));
    FANIN_CHECK(rates.back() > 0.0 && std::isfinite(rates.back()), usage,
                "{}: kraehenbuehl found no gradient to balance; use another base", layer.node);
  }
  return rates;
}

double log_mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double v : values) sum += std::log(v);
  return sum / static_cast<double>(values.size());
}

class Kraehenbuehl : public NetworkInitializer {
 public:
  explicit Kraehenbuehl(bool between) : between_(between) {}
  std::string describe() const override {
    return between_ ? "channels to mean 0, variance 1, layers balanced" : "channels to mean 0, variance 1";
  }
  bool needs_sample() const override { return true; }
  bool needs_gradients() const override { return between_; }
  bool changes(Role role) const override {
    return role == Role::conv_weight || role == Role::linear_weight || role == Role::conv_bias ||
           role == Role::linear_bias;
  }

  void apply(Network& net, const Batch& sample, std::uint64_t seed) const override {
    const std::vector<WeightLayer> layers = weight_layers(net);
    if (between_) check_chain(net);
    for (const WeightLayer& layer : layers) standardize(net, layer, sample, seed);
    if (!between_) return;
    const std::vector<double> rates = relative_rates(net, layers, sample, seed);
    const double middle = log_mean(rates);
    double product = 1.0;  // a bias is added behind all layers up to its own
    for (std::size_t k = 0; k < layers.size(); ++k) {
      const double t = std::exp(0.5 * (std::log(rates[k]) - middle));
      product *= t;
      scale(*layers[k].weight, t);
      if (layers[k].bias != nullptr) scale(*layers[k].bias, product);
    }
  }

  // Within: mean and variance of every channel. Between: the spread of the logarithms of C_k, which scaling has made
  // equal up to the rounding of gradients, sums of thousands of terms of both signs.
  Property check(Network& net, const Batch& sample, std::uint64_t seed) const override {
    const std::vector<WeightLayer> layers = weight_layers(net);
    if (between_) {
      const std::vector<double> rates = relative_rates(net, layers, sample, seed);
      const double middle = log_mean(rates);
      Property result{"gradient over weight is the same for all layers", 0.0, 1e-3};
      for (const double rate : rates) result.deviation = std::max(result.deviation, std::fabs(std::log(rate) - middle));
      return result;
    }
    Property result{"every output channel has variance 1, and mean 0 where there is a bias", 0.0, 1e-4};
    for (const WeightLayer& layer : layers)
      for (const OutputMoments& m : channels_of(net, layer, sample, seed))
        result.deviation =
            std::max({result.deviation, std::fabs(m.variance - 1.0), layer.bias != nullptr ? std::fabs(m.mean) : 0.0});
    return result;
  }

 private:
  static void standardize(Network& net, const WeightLayer& layer, const Batch& sample, std::uint64_t seed) {
    const Channels channels = channels_of(net, layer, sample, seed);
    for (std::size_t c = 0; c < channels.size(); ++c)
      FANIN_CHECK(channels[c].variance > 0.0 && std::isfinite(channels[c].variance), usage,
                  "{}: kraehenbuehl cannot scale channel {}, of variance {}, to 1; use another base or more images",
                  layer.node, c, channels[c].variance);
    for (std::size_t i = 0; i < layer.weight->value.size(); ++i) {  // output channels are contiguous in memory
      float& w = layer.weight->value[i];
      w = static_cast<float>(static_cast<double>(w) / std::sqrt(channels[i % channels.size()].variance));
    }
    if (layer.bias == nullptr) return;
    for (std::size_t c = 0; c < channels.size(); ++c) {
      float& b = layer.bias->value[c];
      b = static_cast<float>((static_cast<double>(b) - channels[c].mean) / std::sqrt(channels[c].variance));
    }
  }

  static void check_chain(const Network& net) {
    for (const NodeSummary& row : net.summary()) {
      const bool norm = !row.weights.empty() && row.weights.front()->role == Role::norm_scale;
      FANIN_CHECK(!norm && row.inputs.size() < 2, usage,
                  "scheme 'kraehenbuehl' balances layers of chains without norm, and here is {}; write between=no",
                  row.name);
    }
  }

  const bool between_;
};

}  // namespace

NetworkInitializerPtr kraehenbuehl(bool between) { return std::make_shared<Kraehenbuehl>(between); }

}  // namespace fanin
