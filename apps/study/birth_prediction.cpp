// SPDX-License-Identifier: MIT
#include "apps/study/birth_prediction.h"

#include "init/fan.h"
#include "init/mean_field.h"
#include "init/moments_backward.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace fanin {

namespace {
using Kind = Traits::Kind;
}

std::vector<NodePrediction> predict_birth(Session& session, const Birth& birth, const KeptBatch& batch) {
  std::vector<NodePrediction> result(birth.nodes.size());
  const double output = birth.nodes.back().gradient_square.mean();
  for (const PoolPixels pixels : {PoolPixels::independent, PoolPixels::equal}) {
    const GraphMoments graph = forward_moments(session.model.network, *session.scheme, batch.images.view(), pixels);
    const std::vector<std::optional<double>> gradients = backward_moments(graph, output);
    for (std::size_t i = 0; i < result.size(); ++i) {
      NodePrediction& row = result[i];
      if (!graph.values[i].known) row.reason = graph.values[i].reason;
      if (graph.values[i].known) (pixels == PoolPixels::equal ? row.high : row.low) = graph.values[i].square();
      // Larger variances in front of a BatchNorm are smaller gradients behind it.
      if (i > 0 && gradients[i]) {
        row.gradient_low = std::min(*gradients[i], row.gradient_low.value_or(*gradients[i]));
        row.gradient_high = std::max(*gradients[i], row.gradient_high.value_or(*gradients[i]));
      }
    }
  }
  return result;
}

std::optional<Phase> phase_of(const Session& session) {
  const std::vector<NodeSummary> nodes = session.model.network.summary();
  std::map<std::string, Kind> kinds;
  Phase phase;
  double log_sum = 0.0;
  int layers = 0;
  for (const NodeSummary& node : nodes) {
    kinds[node.name] = node.traits.kind;
    const Traits& t = node.traits;
    if (t.kind == Kind::sum || t.kind == Kind::concat || t.kind == Kind::batch_norm || t.kind == Kind::other)
      return std::nullopt;
    if (t.kind == Kind::activation) {
      if (!phase.activation.empty() && phase.activation != t.function) return std::nullopt;
      phase.activation = t.function;
    }
    if ((t.kind != Kind::conv && t.kind != Kind::linear) || kinds.at(node.inputs.front()) != Kind::activation) continue;
    const LayerLaw law = law_of(node, *session.scheme);
    if (!law.centred || law.variance <= 0.0) return std::nullopt;
    const double variance = law.variance * fan(node.weights.front()->shape).in;
    phase.lowest = layers == 0 ? variance : std::min(phase.lowest, variance);
    phase.highest = std::max(phase.highest, variance);
    phase.bias_variance += law.shift_square;
    log_sum += std::log(variance);
    ++layers;
  }
  if (layers == 0) return std::nullopt;
  phase.weight_variance = std::exp(log_sum / layers);
  phase.bias_variance /= layers;
  const MeanField field(phase.activation, phase.weight_variance, phase.bias_variance);
  phase.length = field.fixed_length();
  if (phase.length) {
    const double q = std::max(*phase.length, 1e-12);
    phase.chi1 = field.chi1(q);
    phase.depth = field.correlation_depth(q);
  }
  if (const std::optional<CriticalPoint> c = critical_point(phase.activation, phase.bias_variance))
    phase.critical = c->weight_variance;
  return phase;
}

}  // namespace fanin
