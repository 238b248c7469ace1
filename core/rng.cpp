// SPDX-License-Identifier: MIT
#include "core/rng.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <Random123/philox.h>

#include <cmath>
#include <numeric>

namespace fanin {

namespace {

// log(x) for normal positive doubles: x = m * 2^e with m in [sqrt(1/2), sqrt(2)),
// log m = 2 atanh(s), s = (m - 1) / (m + 1).
// The C library's log differs between CPUs in its last bit; this one uses only +, -, *, /.
double portable_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0.70710678118654752) {
    m *= 2.0;
    --exponent;
  }
  const double s = (m - 1.0) / (m + 1.0);
  const double s2 = s * s;
  double sum = 0.0;
  for (int k = 23; k >= 1; k -= 2) sum = sum * s2 + 1.0 / k;  // |s| < 0.1716: the next term is below 1e-18
  return 2.0 * s * sum + exponent * 0.69314718055994530942;
}

template <int N>
double polynomial(const double (&coefficients)[N], double x) {
  double sum = 0.0;
  for (int k = N - 1; k >= 0; --k) sum = sum * x + coefficients[k];
  return sum;
}

}  // namespace

std::uint64_t hash_bytes(const void* data, std::size_t size, std::uint64_t seed) {
  return XXH3_64bits_withSeed(data, size, seed);
}

Rng Rng::stream(std::uint64_t seed, std::string_view name) { return Rng(hash_bytes(name.data(), name.size(), seed)); }

std::uint64_t Rng::bits(std::uint64_t index) const {
  const std::uint64_t block = index / 2;  // one Philox block holds two 64-bit words
  const r123::Philox4x32::ctr_type counter = {
      {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0}};
  const r123::Philox4x32::key_type key = {{static_cast<std::uint32_t>(key_), static_cast<std::uint32_t>(key_ >> 32)}};
  const r123::Philox4x32::ctr_type words = r123::Philox4x32()(counter, key);
  const std::size_t half = index % 2 * 2;
  return static_cast<std::uint64_t>(words[half + 1]) << 32 | words[half];
}

double Rng::uniform(std::uint64_t index) const { return (static_cast<double>(bits(index) >> 12) + 0.5) * 0x1p-52; }

double Rng::normal(std::uint64_t index) const { return normal_quantile(uniform(index)); }

double Rng::truncated_normal(std::uint64_t index) const {
  constexpr double kBelowMinusTwo = 0.02275013194817920720;  // Phi(-2)
  return normal_quantile(kBelowMinusTwo + uniform(index) * (1.0 - 2.0 * kBelowMinusTwo));
}

std::uint64_t Rng::below(std::uint64_t index, std::uint64_t bound) const {
  return (bits(index) >> 32) * bound >> 32;  // bias below bound / 2^32
}

std::vector<std::uint32_t> Rng::permutation(std::uint32_t size) const {
  std::vector<std::uint32_t> order(size);
  std::iota(order.begin(), order.end(), 0u);
  for (std::uint32_t i = size; i > 1; --i) std::swap(order[i - 1], order[below(i - 1, i)]);
  return order;
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x * 0.70710678118654752440); }

double normal_quantile(double p) {
  static constexpr double a[] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                                 1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                 3.3430575583588128105e+4, 2.5090809287301226727e+3};
  static constexpr double b[] = {1.0,
                                 4.2313330701600911252e+1,
                                 6.8718700749205790830e+2,
                                 5.3941960214247511077e+3,
                                 2.1213794301586595867e+4,
                                 3.9307895800092710610e+4,
                                 2.8729085735721942674e+4,
                                 5.2264952788528545610e+3};
  static constexpr double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                                 3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                                 2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr double d[] = {1.0,
                                 2.05319162663775882187e0,
                                 1.67638483018380384940e0,
                                 6.89767334985100004550e-1,
                                 1.48103976427480074590e-1,
                                 1.51986665636164571966e-2,
                                 5.47593808499534494600e-4,
                                 1.05075007164441684324e-9};
  static constexpr double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                                 2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                 2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static constexpr double f[] = {1.0,
                                 5.99832206555887937690e-1,
                                 1.36929880922735805310e-1,
                                 1.48753612908506148525e-2,
                                 7.86869131145613259100e-4,
                                 1.84631831751005468180e-5,
                                 1.42151175831644588870e-7,
                                 2.04426310338993978564e-15};
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(a, r) / polynomial(b, r);
  }
  const double r = std::sqrt(-portable_log(q < 0.0 ? p : 1.0 - p));
  const double tail =
      r <= 5.0 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6) : polynomial(e, r - 5.0) / polynomial(f, r - 5.0);
  return q < 0.0 ? -tail : tail;
}

}  // namespace fanin
