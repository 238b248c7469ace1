// SPDX-License-Identifier: MIT
#include "apps/study/statistics.h"

#include "core/check.h"
#include "core/rng.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fanin {

namespace {

constexpr double kPi = 3.14159265358979323846;

// P(-t < T < t) for integer degrees of freedom (Abramowitz & Stegun 26.7.3 and 26.7.4).
double student_t_within(double t, int degrees) {
  const double theta = std::atan(t / std::sqrt(degrees)), c2 = std::cos(theta) * std::cos(theta);
  double term = degrees % 2 == 1 ? std::cos(theta) : 1.0, sum = degrees == 1 ? 0.0 : term;
  for (int k = degrees % 2 == 1 ? 3 : 2; k < degrees; k += 2) {
    term *= c2 * (k - 1) / k;
    sum += term;
  }
  if (degrees % 2 == 1) return 2.0 / kPi * (theta + std::sin(theta) * sum);
  return std::sin(theta) * sum;
}

Interval bootstrap(std::span<const double> differences, double confidence) {
  constexpr std::size_t kResamples = 10000;
  const Rng rng = Rng::stream(hash_bytes(differences.data(), differences.size_bytes()), "bootstrap");
  std::vector<double> means(kResamples);
  for (std::size_t r = 0; r < kResamples; ++r) {
    double sum = 0.0;
    for (std::size_t i = 0; i < differences.size(); ++i)
      sum += differences[rng.below(r * differences.size() + i, differences.size())];
    means[r] = sum / static_cast<double>(differences.size());
  }
  std::sort(means.begin(), means.end());
  return {quantile(means, 0.5 - confidence / 2.0), quantile(means, 0.5 + confidence / 2.0)};
}

}  // namespace

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double quantile(std::vector<double> values, double probability) {
  std::sort(values.begin(), values.end());
  const double position = probability * static_cast<double>(values.size() - 1);
  const std::size_t below = static_cast<std::size_t>(position);
  if (below + 1 >= values.size()) return values.back();
  return values[below] + (position - static_cast<double>(below)) * (values[below + 1] - values[below]);
}

Quartiles quartiles(const std::vector<double>& values) {
  return {quantile(values, 0.25), quantile(values, 0.5), quantile(values, 0.75)};
}

double student_t_quantile(double probability, int degrees) {
  FANIN_CHECK(degrees >= 1 && probability >= 0.5 && probability < 1.0, usage,
              "t quantile of {} with {} degrees of freedom; give 0.5 to below 1 and at least 1", probability, degrees);
  double low = 0.0, high = 1.0;
  while (0.5 + 0.5 * student_t_within(high, degrees) < probability) high *= 2.0;
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    (0.5 + 0.5 * student_t_within(middle, degrees) < probability ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

std::optional<Interval> paired_interval(std::span<const double> differences, double confidence) {
  const std::size_t n = differences.size();
  if (n < 2) return std::nullopt;
  const double centre = mean(differences);
  double squares = 0.0;
  for (const double d : differences) squares += (d - centre) * (d - centre);
  const double error = std::sqrt(squares / static_cast<double>(n - 1) / static_cast<double>(n));
  const double half = student_t_quantile(0.5 + confidence / 2.0, static_cast<int>(n) - 1) * error;
  const Interval resampled = bootstrap(differences, confidence);
  return Interval{std::min(centre - half, resampled.low), std::max(centre + half, resampled.high)};
}

}  // namespace fanin
