// SPDX-License-Identifier: MIT
#include "init/gaussian_activation.h"

#include "core/activation_functions.h"
#include "core/check.h"
#include "core/rng.h"
#include "core/text.h"
#include "init/gain.h"
#include "init/gaussian_mean.h"

#include <cmath>
#include <numbers>

namespace fanin {

GaussianActivation::GaussianActivation(std::string_view activation, double slope, double ratio, double lowest,
                                       double highest)
    : f_(activation_functions::by_name(activation)),
      derivative_(activation_functions::derivative_by_name(activation)),
      leaky_(activation == "relu" || activation == "leaky_relu"),
      slope_(activation == "relu" ? 0.0 : slope),
      ratio_(ratio) {
  FANIN_CHECK(f_ != nullptr, usage, "unknown activation '{}'{}", activation,
              did_you_mean(activation, exact_gain_names()));
  at_zero_[2] = slope_ * slope_;
  if (leaky_) return;
  at_zero_[0] = f_(0.0);
  at_zero_[1] = f_(0.0) * f_(0.0);
  at_zero_[2] = derivative_(0.0) * derivative_(0.0);
  const double span = std::max(1e-3, std::log(highest / lowest));
  const int points = std::max(4, static_cast<int>(std::ceil(32.0 * span)) + 1);
  log_lowest_ = std::log(lowest);
  step_ = span / (points - 1);
  for (const What what : {What::mean, What::square, What::slope_square})
    for (int i = 0; i < points; ++i)
      tables_[static_cast<int>(what)].push_back(integral(what, std::exp(log_lowest_ + i * step_)));
}

// For u = s (z + ratio), s = sqrt(v), and f(u) = u above 0, slope u below, the integrals of a truncated Gaussian.
double GaussianActivation::integral(What what, double v) const {
  const double s = std::sqrt(v), r = ratio_;
  if (leaky_) {
    const double above = normal_cdf(r), density = std::exp(-0.5 * r * r) / std::sqrt(2.0 * std::numbers::pi);
    const double square = (1.0 + r * r) * above + r * density;  // E of the positive part squared, and its mean
    const double mean = r * above + density;
    if (what == What::mean) return s * (mean + slope_ * (r - mean));
    if (what == What::square) return v * (square + slope_ * slope_ * (1.0 + r * r - square));
    return above + slope_ * slope_ * (1.0 - above);
  }
  const auto g = [&](double z) {
    const double u = s * (z + r);
    if (what == What::mean) return f_(u);
    const double y = what == What::square ? f_(u) : derivative_(u);
    return y * y;
  };
  return gaussian_mean(g, std::clamp(-r, -13.0, 13.0));
}

double GaussianActivation::at(What what, double v) const {
  if (leaky_ && v > 0.0) return integral(what, v);
  if (v <= 0.0) return at_zero_[static_cast<int>(what)];
  const std::vector<double>& table = tables_[static_cast<int>(what)];
  const double place = std::clamp((std::log(v) - log_lowest_) / step_, 0.0, static_cast<double>(table.size() - 1));
  const int first = std::clamp(static_cast<int>(place) - 1, 0, static_cast<int>(table.size()) - 4);
  const double t = place - first;  // Lagrange through points 0, 1, 2, 3
  const double* const y = table.data() + first;
  return y[0] * (t - 1) * (t - 2) * (t - 3) / -6.0 + y[1] * t * (t - 2) * (t - 3) / 2.0 +
         y[2] * t * (t - 1) * (t - 3) / -2.0 + y[3] * t * (t - 1) * (t - 2) / 6.0;
}

double GaussianActivation::product(double v, double c) const {
  const double s = std::sqrt(v);
  c = std::clamp(c, -1.0, 1.0);
  if (leaky_ &&
      ratio_ == 0.0) {  // Cho & Saul 2009: the arc-cosine kernel J, and f = (1 + slope) / 2 u + (1 - slope) / 2 |u|
    const double j = (std::sqrt(1.0 - c * c) + c * (std::numbers::pi - std::acos(c))) / (2.0 * std::numbers::pi);
    return v * ((1.0 - slope_) * (1.0 - slope_) * j + slope_ * c);
  }
  return gaussian_product(
      [&](double z) {
        const double u = s * (z + ratio_);
        return leaky_ ? (u > 0.0 ? u : slope_ * u) : f_(u);
      },
      c, std::clamp(-ratio_, -13.0, 13.0));
}

}  // namespace fanin
