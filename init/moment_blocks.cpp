// SPDX-License-Identifier: MIT
#include "init/moment_blocks.h"

#include <cmath>
#include <numeric>

namespace fanin {

double average(const std::vector<double>& v) {
  return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}

namespace {

constexpr double kNarrowest = 1e-12;  // of the largest variance: below, a pixel counts as this

std::vector<double> variances(const ChannelBlock& u) {
  std::vector<double> result(u.square->size());
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = std::max(0.0, (*u.square)[i] - (*u.mean)[i] * (*u.mean)[i]);
  return result;
}

GaussianActivation activation_for(const ChannelBlock& u, const Traits& t, const std::vector<double>& variance) {
  double highest = *std::max_element(variance.begin(), variance.end()), lowest = highest;
  if (!(highest > 0.0)) return {t.function, t.number, 0.0, 1.0, 1.0};
  for (const double v : variance)
    if (v > 0.0) lowest = std::min(lowest, v);
  lowest = std::max(lowest, kNarrowest * highest);
  const double mean = average(variance);  // `shared` asks for it
  return {t.function, t.number, average(*u.mean) / std::sqrt(mean), std::min(lowest, mean), std::max(highest, mean)};
}

}  // namespace

ActivationOfBlock::ActivationOfBlock(const ChannelBlock& u, const Traits& traits)
    : u_(u),
      traits_(traits),
      variance_(variances(u)),
      mean_variance_(average(variance_)),
      mean_(average(*u.mean)),
      same_mean_(std::all_of(u.mean->begin(), u.mean->end(), [&](double m) { return m == 0.0; })),
      activation_(activation_for(u, traits, variance_)) {}

std::vector<double> ActivationOfBlock::map(GaussianActivation::What what) const {
  const bool exact = !same_mean_ && (traits_.function == "relu" || traits_.function == "leaky_relu");
  std::vector<double> result(variance_.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const double v = variance_[i];
    if (exact && v > 0.0)
      result[i] = GaussianActivation(traits_.function, traits_.number, (*u_.mean)[i] / std::sqrt(v), v, v).at(what, v);
    else
      result[i] = activation_.at(what, v);
  }
  return result;
}

double ActivationOfBlock::shared() const {
  if (!(mean_variance_ > 0.0)) return std::pow(activation_.at(GaussianActivation::What::mean, 0.0), 2);
  return activation_.product(mean_variance_, (u_.shared - mean_ * mean_) / mean_variance_);
}

}  // namespace fanin
