// SPDX-License-Identifier: MIT
#include "apps/lessons/signals.h"

#include "apps/lessons/exercise.h"
#include "apps/lessons/material.h"
#include "core/text.h"
#include "core/train/loss.h"

#include <cmath>

namespace fanin {

namespace {

struct Numbers {
  double square = 0, correlation = 0, gradient_square = 0, dead = 0;
};

// The number of "fc12" or "act12"; nothing for other nodes.
std::optional<std::size_t> layer_of(std::string_view node, std::string_view prefix) {
  if (!node.starts_with(prefix)) return std::nullopt;
  const std::optional<long long> number = parse_integer(node.substr(prefix.size()));
  return number ? std::optional<std::size_t>(static_cast<std::size_t>(*number)) : std::nullopt;
}

struct Listener : Observer {
  std::vector<Numbers> layers;
  Numbers& at(std::size_t layer) {
    if (layer >= layers.size()) layers.resize(layer + 1);
    return layers[layer];
  }
  void value(std::string_view node, ConstView v) override {
    if (const std::optional<std::size_t> l = layer_of(node, "fc")) {
      at(*l).square = statistics_of(v, {}).square;
      at(*l).correlation = pair_correlation(v);
    }
    if (const std::optional<std::size_t> l = layer_of(node, "act")) at(*l).dead = statistics_of(v, {}).dead;
  }
  void gradient(std::string_view node, ConstView v) override {
    if (const std::optional<std::size_t> l = layer_of(node, "fc")) at(*l).gradient_square = statistics_of(v, {}).square;
  }
};

}  // namespace

std::vector<LayerSignal> layer_signals(const std::string& model, const std::string& scheme, const KeptBatch& batch,
                                       int classes, int seeds, std::uint64_t first) {
  std::vector<std::vector<Numbers>> all(static_cast<std::size_t>(seeds));
  in_parallel(seeds, [&](int i) {
    const std::unique_ptr<Session> session = session_on(model, scheme, batch, classes);
    session->config.seed = first + static_cast<std::uint64_t>(i);
    session->initialize();
    Network& net = session->model.network;
    Listener listener;
    net.observe(&listener);
    const ConstView logits = net.forward(batch.images.view(), Mode::train);
    Tensor gradient(logits.shape);
    softmax_cross_entropy(logits, batch.labels, 0.0f, gradient.view());
    net.backward(std::as_const(gradient).view());
    net.observe(nullptr);
    all[static_cast<std::size_t>(i)] = std::move(listener.layers);
  });
  std::vector<LayerSignal> result(all.front().size());
  for (const std::vector<Numbers>& of_seed : all)
    for (std::size_t l = 0; l < result.size(); ++l) {
      result[l].square.values.push_back(of_seed[l].square);
      result[l].correlation.values.push_back(of_seed[l].correlation);
      result[l].gradient_square.values.push_back(of_seed[l].gradient_square);
      result[l].dead.values.push_back(of_seed[l].dead);
    }
  return result;
}

double mean_log(const OverSeeds& values) {
  double sum = 0.0;
  for (const double v : values.values) sum += std::log(v);
  return sum / static_cast<double>(values.values.size());
}

}  // namespace fanin
