// SPDX-License-Identifier: MIT
#include "init/covariance.h"

#include "core/check.h"
#include "init/fan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

std::size_t z(int i) { return static_cast<std::size_t>(i); }

// A with A A^T = C, by Cholesky's method with the largest pivot first. Column j belongs to the j-th pivot. What is left
// of C when its diagonal has fallen below 1e-14 of the largest is rounding: C may be singular.
std::vector<double> factor_of(std::vector<double> c, int taps) {
  std::vector<double> a(c.size(), 0.0);
  double largest = 0.0;
  for (int i = 0; i < taps; ++i) largest = std::max(largest, c[z(i * taps + i)]);
  for (int j = 0; j < taps; ++j) {
    int pivot = 0;
    for (int i = 1; i < taps; ++i)
      if (c[z(i * taps + i)] > c[z(pivot * taps + pivot)]) pivot = i;
    const double square = c[z(pivot * taps + pivot)];
    if (square <= 1e-14 * largest) break;
    for (int i = 0; i < taps; ++i) a[z(i * taps + j)] = c[z(i * taps + pivot)] / std::sqrt(square);
    for (int i = 0; i < taps; ++i)
      for (int k = 0; k < taps; ++k) c[z(i * taps + k)] -= a[z(i * taps + j)] * a[z(k * taps + j)];
  }
  return a;
}

class Covariance : public Initializer {
 public:
  explicit Covariance(const CovarianceOptions& options) : o_(options) {}
  std::string describe() const override {
    return fmt::format("smooth filters, spread {:.4g} of the kernel, variance {} / fan_in", spread(),
                       o_.gain * o_.gain);
  }
  std::optional<double> variance(const WeightShape& shape) const override { return o_.gain * o_.gain / fan(shape).in; }

  // The mean square of n elements, in filters of t taps, has the variance 2 sum C^2 / (n t); independent elements of this
  // kurtosis would give it the same.
  double kurtosis(const WeightShape& shape) const override {
    double squares = 0.0;
    for (const double c : covariance_of(shape)) squares += c * c;
    return 1.0 + 2.0 * squares / shape.taps();
  }
  bool centred(const WeightShape& shape) const override { return shape.taps() == 1; }

  void fill(const WeightShape& shape, std::span<float> weights, Draws& draws) const override {
    FANIN_CHECK(shape.rank >= 2, shape, "covariance needs a weight of at least 2 dimensions, not {}; use zeros",
                to_string(shape));
    const int taps = shape.taps();
    const std::vector<double> a = factor_of(covariance_of(shape), taps);
    const double std = std::sqrt(*variance(shape));
    draws.normal(weights, 0.0, 1.0);
    std::vector<double> deviates(z(taps));
    for (std::size_t first = 0; first < weights.size(); first += z(taps)) {
      std::copy_n(weights.begin() + static_cast<std::ptrdiff_t>(first), taps, deviates.begin());
      for (int i = 0; i < taps; ++i) {
        double sum = 0.0;
        for (int j = 0; j < taps; ++j) sum += a[z(i * taps + j)] * deviates[z(j)];
        weights[first + z(i)] = static_cast<float>(std * sum);
      }
    }
  }

 private:
  double spread() const { return o_.first + (o_.last - o_.first) * o_.depth; }
  std::vector<double> covariance_of(const WeightShape& shape) const {
    const int side = std::max(shape.kernel_height, shape.kernel_width);
    return tap_covariance(shape.kernel_height, shape.kernel_width, side * spread());
  }
  const CovarianceOptions o_;
};

}  // namespace

std::vector<double> tap_covariance(int rows, int columns, double s) {
  const int taps = rows * columns, centre = rows / 2 * columns + columns / 2;
  const auto r = [&](int p, int q) {
    const double dy = p / columns - q / columns, dx = p % columns - q % columns;
    return std::exp(-(dy * dy + dx * dx) / (2.0 * s * s));
  };
  std::vector<double> c(z(taps) * z(taps));
  double trace = 0.0;
  for (int p = 0; p < taps; ++p)
    for (int q = 0; q < taps; ++q) {
      const double up = r(p, centre), uq = r(q, centre);
      c[z(p * taps + q)] = std::sqrt(up * uq) * (r(p, q) - 0.5 * up * uq);
      if (p == q) trace += c[z(p * taps + q)];
    }
  for (double& v : c) v *= taps / trace;
  return c;
}

InitializerPtr covariance(const CovarianceOptions& o) {
  FANIN_CHECK(o.depth >= 0.0 && o.depth <= 1.0, usage,
              "covariance with depth {}; it is the layer's place, from 0 for the first to 1 for the last", o.depth);
  for (const auto& [name, value] : {std::pair{"first", o.first}, {"last", o.last}, {"gain", o.gain}})
    FANIN_CHECK(value > 0.0 && std::isfinite(value), usage, "covariance with {} {}; it must be above 0", name, value);
  return std::make_shared<Covariance>(o);
}

}  // namespace fanin
