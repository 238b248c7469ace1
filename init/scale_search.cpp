// SPDX-License-Identifier: MIT
#include "init/scale_search.h"

#include "core/train/loss.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

// The objective with one layer's weights scaled by e^step; the weights are put back bit for bit unless `keep` says to stay.
template <class Keep>
bool try_scale(const WeightLayer& layer, double step, const Objective& objective, Keep&& keep) {
  const std::vector<float> before(layer.weight->value.begin(), layer.weight->value.end());
  scale(*layer.weight, std::exp(step));
  if (keep(objective())) return true;
  std::ranges::copy(before, layer.weight->value.begin());
  return false;
}

bool is_lower(double value, double than) { return value < than - kLeastGain * std::fabs(than); }  // false for NaN

}  // namespace

void search_scales(const std::vector<WeightLayer>& layers, const Objective& objective, int rounds) {
  double best = objective(), step = kFirstStep;
  if (!std::isfinite(best)) best = std::numeric_limits<double>::max();
  for (int round = 0; round < rounds && step > 0.99 * kLastStep; ++round) {
    bool moved = false;
    for (const WeightLayer& layer : layers)
      for (const double sign : {1.0, -1.0}) {
        const bool kept = try_scale(layer, sign * step, objective, [&](double value) {
          if (!is_lower(value, best)) return false;
          best = value;
          return true;
        });
        moved = moved || kept;
        if (kept) break;
      }
    if (!moved) step *= 0.5;
  }
}

double possible_gain(const std::vector<WeightLayer>& layers, const Objective& objective) {
  const double now = objective();
  double gain = std::isfinite(now) ? 0.0 : 1.0;
  for (const WeightLayer& layer : layers)
    for (const double sign : {1.0, -1.0})
      try_scale(layer, sign * kLastStep, objective, [&](double value) {
        if (value < now) gain = std::max(gain, (now - value) / std::fabs(now));
        return false;
      });
  return gain;
}

double loss_and_gradients(Network& net, WatchedPasses& passes, const Batch& batch) {
  const ConstView logits = passes.forward(batch);
  Tensor gradient(logits.shape);
  const double loss = softmax_cross_entropy(logits, batch.labels, 0.0f, gradient.view()).loss_sum;
  net.backward(gradient.view());
  return loss / batch.images.shape.images;
}

void ScaleSearch::apply(Network& net, const Batch& sample, std::uint64_t seed) const {
  WatchedPasses passes(net, seed);
  search_scales(
      weight_layers(net), [&] { return objective(net, passes, sample); }, rounds_);
}

// A gain that was too small to be taken in the search may show a little larger from the rounded weights it left.
Property ScaleSearch::check(Network& net, const Batch& sample, std::uint64_t seed) const {
  WatchedPasses passes(net, seed);
  const double gain = possible_gain(weight_layers(net), [&] { return objective(net, passes, sample); });
  return {property_, gain, 2.0 * kLeastGain};
}

}  // namespace fanin
