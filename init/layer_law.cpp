// SPDX-License-Identifier: MIT
#include "init/layer_law.h"

namespace fanin {

namespace {

struct TwoMoments {
  double mean = 0, square = 0;
};

TwoMoments moments_of(std::span<const float> values) {
  TwoMoments m;
  for (const float v : values) {
    m.mean += static_cast<double>(v);
    m.square += static_cast<double>(v) * static_cast<double>(v);
  }
  m.mean /= static_cast<double>(values.size());
  m.square /= static_cast<double>(values.size());
  return m;
}

}  // namespace

LayerLaw law_of(const NodeSummary& node, const Scheme& scheme) {
  LayerLaw law;
  for (const Parameter* p : node.weights) {
    if (p->shape.rank > 1) {
      law.centred = scheme.initializer(*p).centred(p->shape) && scheme.variance(*p).has_value();
      law.variance = scheme.variance(*p).value_or(0.0);
    } else if (p->role == Role::norm_scale || p->role == Role::scalar_multiplier) {
      law.scale_square = moments_of(p->value).square;
    } else {
      const std::optional<Distribution> d = scheme.initializer(*p).distribution(p->shape);
      const TwoMoments m = d ? TwoMoments{d->mean(), d->variance() + d->mean() * d->mean()} : moments_of(p->value);
      law.shift_mean = m.mean;
      law.shift_square = m.square;
    }
  }
  return law;
}

}  // namespace fanin
