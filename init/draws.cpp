// SPDX-License-Identifier: MIT
#include "init/draws.h"

#include "core/check.h"
#include "core/text.h"

#include <algorithm>
#include <numeric>

namespace fanin {

double truncated_normal_quantile(double p, double low, double high) {
  if (low > 0.0) return -truncated_normal_quantile(1.0 - p, -high, -low);
  const double below = normal_cdf(low), above = normal_cdf(high);
  return std::clamp(normal_quantile(below + p * (above - below)), low, high);
}

void PhiloxDraws::uniform(std::span<float> w, double low, double high) {
  const double middle = 0.5 * (low + high), half = 0.5 * (high - low);
  for (float& v : w) v = static_cast<float>(middle + half * (2.0 * rng_.uniform(next_++) - 1.0));
}

void PhiloxDraws::normal(std::span<float> w, double mean, double std) {
  for (float& v : w) v = static_cast<float>(mean + std * rng_.normal(next_++));
}

void PhiloxDraws::truncated_normal(std::span<float> w, double mean, double std, double low, double high) {
  const double a = (low - mean) / std, b = (high - mean) / std;
  for (float& v : w) v = static_cast<float>(mean + std * truncated_normal_quantile(rng_.uniform(next_++), a, b));
}

std::vector<std::uint32_t> PhiloxDraws::permutation(std::uint32_t size) {
  std::vector<std::uint32_t> order(size);
  std::iota(order.begin(), order.end(), 0u);
  for (std::uint32_t i = size; i > 1; --i) std::swap(order[i - 1], order[rng_.below(next_++, i)]);
  return order;
}

StreamKind parse_stream(std::string_view name) {
  if (name == "philox") return StreamKind::philox;
  FANIN_CHECK(name == "torch", usage, "unknown stream '{}'{}", name, did_you_mean(name, {"philox", "torch"}));
  return StreamKind::torch;
}

}  // namespace fanin
