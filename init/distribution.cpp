// SPDX-License-Identifier: MIT
#include "init/distribution.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace fanin {

namespace {

double density(double z) { return std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi); }

// E[Z^k], k = 0 ... 4, of a standard normal Z restricted to [a, b]: m_k = (k - 1) m_{k-2} - [z^{k-1} phi(z)]_a^b / P
// (integration by parts). For intervals that hold more than 1e-6 of the mass; further out digits cancel.
std::array<double, 5> truncated_moments(double a, double b) {
  const double mass = a > 0.0 ? normal_cdf(-a) - normal_cdf(-b) : normal_cdf(b) - normal_cdf(a);
  std::array<double, 5> m = {1.0, 0.0, 0.0, 0.0, 0.0};
  for (int k = 1; k <= 4; ++k) {
    const double edge = (std::pow(b, k - 1) * density(b) - std::pow(a, k - 1) * density(a)) / mass;
    m[static_cast<std::size_t>(k)] = (k > 1 ? (k - 1) * m[static_cast<std::size_t>(k - 2)] : 0.0) - edge;
  }
  return m;
}

std::array<double, 5> moments_of(const Distribution& d) {
  return truncated_moments((d.low - d.location) / d.scale, (d.high - d.location) / d.scale);
}

}  // namespace

double Distribution::mean() const {
  switch (kind) {
    case Kind::normal: return location;
    case Kind::uniform: return 0.5 * (low + high);
    case Kind::truncated_normal: return location + scale * moments_of(*this)[1];
  }
  return location;
}

double Distribution::variance() const {
  switch (kind) {
    case Kind::normal: return scale * scale;
    case Kind::uniform: return (high - low) * (high - low) / 12.0;
    case Kind::truncated_normal: {
      const std::array<double, 5> m = moments_of(*this);
      return scale * scale * (m[2] - m[1] * m[1]);
    }
  }
  return 0.0;
}

double Distribution::kurtosis() const {
  switch (kind) {
    case Kind::normal: return 3.0;
    case Kind::uniform: return 1.8;
    case Kind::truncated_normal: {
      const std::array<double, 5> m = moments_of(*this);
      const double second = m[2] - m[1] * m[1];
      const double fourth = m[4] - 4.0 * m[1] * m[3] + 6.0 * m[1] * m[1] * m[2] - 3.0 * std::pow(m[1], 4);
      return fourth / (second * second);
    }
  }
  return 3.0;
}

double Distribution::cdf(double x) const {
  if (kind == Kind::uniform) return std::clamp((x - low) / (high - low), 0.0, 1.0);
  const double z = (x - location) / scale;
  if (kind == Kind::normal) return normal_cdf(z);
  const double a = normal_cdf((low - location) / scale), b = normal_cdf((high - location) / scale);
  return std::clamp((normal_cdf(z) - a) / (b - a), 0.0, 1.0);
}

void Distribution::draw(std::span<float> w, Draws& draws) const {
  switch (kind) {
    case Kind::normal: draws.normal(w, location, scale); break;
    case Kind::uniform: draws.uniform(w, low, high); break;
    case Kind::truncated_normal: draws.truncated_normal(w, location, scale, low, high); break;
  }
}

}  // namespace fanin
