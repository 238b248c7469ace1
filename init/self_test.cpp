// SPDX-License-Identifier: MIT
#include "init/self_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace fanin {

namespace {

constexpr double kChance = 1e-4;   // of a false alarm, per check
constexpr double kErrors = 3.891;  // standard errors that a normal deviate exceeds with that probability

std::vector<float> drawn(const Initializer& initializer, const WeightShape& shape, std::uint64_t seed) {
  std::vector<float> weights(shape.size());
  PhiloxDraws draws(Rng::stream(seed, "check-init"));
  initializer.fill(shape, weights, draws);
  return weights;
}

// The sample variance of n independent draws has relative standard error sqrt((kurtosis - 1) / n); weights that are not
// independent have less.
SelfTestCheck check_variance(const Initializer& initializer, const WeightShape& shape, std::span<const float> w) {
  const double promised = *initializer.variance(shape), n = static_cast<double>(w.size());
  double mean = 0.0, square = 0.0;
  for (const float v : w) mean += static_cast<double>(v) / n;
  for (const float v : w) square += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean) / n;
  const std::string both = fmt::format("std {:.6g} promised, {:.6g} measured", std::sqrt(promised), std::sqrt(square));
  if (promised == 0.0) return {"variance", both, square <= 1e-12 * mean * mean};  // a constant, up to rounding
  // The square of the sample mean, which may be kErrors deviations off, is missing from the sample variance.
  const double error = std::sqrt((initializer.kurtosis(shape) - 1.0) / n) + kErrors / n,
               off = std::fabs(square / promised - 1.0);
  return {"variance", fmt::format("{} ({:.1f} standard errors)", both, off / error), off <= kErrors * error + 0x1p-22};
}

SelfTestCheck check_distribution(const Distribution& law, std::vector<float> w) {
  std::sort(w.begin(), w.end());
  const double n = static_cast<double>(w.size());
  double d = 0.0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double f = law.cdf(static_cast<double>(w[i]));
    d = std::max({d, f - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - f});
  }
  const double p = kolmogorov_p(d, w.size());
  return {"distribution", fmt::format("Kolmogorov-Smirnov p = {:.4f} ({} draws)", p, w.size()), p > kChance};
}

}  // namespace

double kolmogorov_p(double d, std::size_t n) {
  const double root = std::sqrt(static_cast<double>(n));
  const double t = (root + 0.12 + 0.11 / root) * d;
  double sum = 0.0;
  for (int k = 1; k <= 100; ++k) sum += (k % 2 == 1 ? 2.0 : -2.0) * std::exp(-2.0 * k * k * t * t);
  return std::clamp(sum, 0.0, 1.0);
}

std::vector<SelfTestCheck> self_test(const Initializer& initializer, const WeightShape& shape, std::uint64_t seed) {
  const std::vector<float> w = drawn(initializer, shape, seed), again = drawn(initializer, shape, seed);
  std::vector<SelfTestCheck> checks;
  const auto bad = std::count_if(w.begin(), w.end(), [](float v) { return !std::isfinite(v); });
  checks.push_back({"finite", fmt::format("{} of {} values are not", bad, w.size()), bad == 0});
  checks.push_back({"reproducible", "the same seed gives the same bits",
                    std::memcmp(w.data(), again.data(), w.size() * sizeof(float)) == 0});
  if (initializer.variance(shape)) checks.push_back(check_variance(initializer, shape, w));
  const std::optional<Distribution> law = initializer.distribution(shape);
  if (law && law->variance() > 0.0) checks.push_back(check_distribution(*law, w));
  if (const std::optional<Property> p = initializer.property(shape, w))
    checks.push_back(
        {p->claim, fmt::format("largest deviation {:.2g}, bound {:.2g}", p->deviation, p->bound), p->holds()});
  return checks;
}

}  // namespace fanin
