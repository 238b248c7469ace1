// SPDX-License-Identifier: MIT
#include "init/mean_field.h"

#include "core/check.h"
#include "core/text.h"
#include "init/gain.h"
#include "init/gaussian_mean.h"

#include <cmath>
#include <limits>

namespace fanin {

namespace {

using activation_functions::Function;

constexpr double kShortest = 1e-12, kLongest = 1e12;

double mean_square(Function f, double q) {
  const double root = std::sqrt(q);
  return gaussian_mean([&](double z) { return f(root * z) * f(root * z); });
}

double mean_product(Function g, double c, double q) {
  const double root = std::sqrt(q);
  return gaussian_product([&](double z) { return g(root * z); }, c);
}

// A root of f between two arguments of different sign, by halving.
template <class F>
double root_between(F&& f, double low, double high) {
  const bool low_negative = f(low) < 0.0;
  for (int i = 0; i < 200 && high - low > 1e-15 * high; ++i) {
    const double middle = 0.5 * (low + high);
    ((f(middle) < 0.0) == low_negative ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

double depth_scale(double slope) {
  const double rate = std::fabs(std::log(std::fabs(slope)));
  return rate < 1e-9 ? std::numeric_limits<double>::infinity() : 1.0 / rate;
}

}  // namespace

MeanField::MeanField(std::string_view activation, double weight_variance, double bias_variance)
    : f_(activation_functions::by_name(activation)),
      derivative_(activation_functions::derivative_by_name(activation)),
      weight_variance_(weight_variance),
      bias_variance_(bias_variance) {
  FANIN_CHECK(f_ != nullptr, usage, "unknown activation '{}'{}", activation,
              did_you_mean(activation, exact_gain_names()));
  FANIN_CHECK(weight_variance >= 0.0 && bias_variance >= 0.0, usage, "variances {} and {}; none may be negative",
              weight_variance, bias_variance);
}

double MeanField::length(double q) const { return weight_variance_ * mean_square(f_, q) + bias_variance_; }

double MeanField::length_slope(double q) const {
  const double root = std::sqrt(q);
  return weight_variance_ * gaussian_mean([&](double z) { return f_(root * z) * derivative_(root * z) * z; }) / root;
}

double MeanField::correlation(double c, double q) const {
  return (weight_variance_ * mean_product(f_, c, q) + bias_variance_) / length(q);
}

double MeanField::chi(double c, double q) const { return weight_variance_ * mean_product(derivative_, c, q); }

std::optional<double> MeanField::fixed_length() const {
  const auto growth = [&](double q) { return length(q) - q; };
  const double at_one = growth(1.0);
  if (std::fabs(at_one) < 1e-12) return 1.0;
  const double factor = at_one > 0.0 ? 2.0 : 0.5;
  for (double q = 1.0; q > kShortest && q < kLongest; q *= factor)
    if ((growth(q * factor) > 0.0) != (at_one > 0.0))
      return root_between(growth, std::min(q, q * factor), std::max(q, q * factor));
  if (at_one < 0.0) return 0.0;
  return std::nullopt;
}

double MeanField::fixed_correlation(double q) const {
  if (q <= 0.0 || chi1(q) <= 1.0) return 1.0;
  // In the chaotic phase the map lies below the diagonal just under 1, so the stable point is where it crosses before.
  const auto growth = [&](double c) { return correlation(c, q) - c; };
  if (growth(0.0) <= 1e-12) return 0.0;  // odd activations without bias keep 0
  return root_between(growth, 0.0, 1.0 - 1e-6);
}

double MeanField::correlation_depth(double q) const { return depth_scale(chi(fixed_correlation(q), q)); }
double MeanField::length_depth(double q) const { return depth_scale(length_slope(q)); }

std::optional<CriticalPoint> critical_point(std::string_view activation, double bias_variance) {
  const MeanField unit(activation, 1.0);
  // chi1 = 1 fixes the weight variance of a length, and the map then the bias variance that makes it a fixed point.
  const auto weights = [&](double q) { return 1.0 / unit.chi1(q); };
  const auto excess = [&](double q) { return q - weights(q) * unit.length(q) - bias_variance; };
  double q = kShortest;
  if (std::fabs(excess(q)) <= kShortest) return CriticalPoint{weights(q), q};
  const double step = std::pow(10.0, 0.05);
  for (; q < 1e8; q *= step) {
    if ((excess(q) < 0.0) == (excess(q * step) < 0.0)) continue;
    const double root = root_between(excess, q, q * step);
    return CriticalPoint{weights(root), root};
  }
  return std::nullopt;
}

}  // namespace fanin
