// SPDX-License-Identifier: MIT
#include "init/torch_draws.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace fanin {

namespace {

constexpr std::size_t kStates = 624, kShift = 397;
constexpr std::size_t kBlock = 16;  // of normal_

}  // namespace

TorchDraws::TorchDraws(std::uint64_t seed) {
  state_[0] = static_cast<std::uint32_t>(seed);
  for (std::uint32_t i = 1; i < kStates; ++i) state_[i] = 1812433253u * (state_[i - 1] ^ state_[i - 1] >> 30) + i;
}

void TorchDraws::generate() {
  const auto twist = [](std::uint32_t high, std::uint32_t low) {
    const std::uint32_t y = (high & 0x80000000u) | (low & 0x7fffffffu);
    return y >> 1 ^ (low & 1u ? 0x9908b0dfu : 0u);
  };
  for (std::size_t i = 0; i < kStates; ++i)
    state_[i] = state_[(i + kShift) % kStates] ^ twist(state_[i], state_[(i + 1) % kStates]);
  used_ = 0;
}

std::uint32_t TorchDraws::bits32() {
  if (used_ == kStates) generate();
  std::uint32_t y = state_[used_++];
  y ^= y >> 11;
  y ^= y << 7 & 0x9d2c5680u;
  y ^= y << 15 & 0xefc60000u;
  return y ^ y >> 18;
}

std::uint64_t TorchDraws::bits64() {
  const std::uint64_t high = bits32();
  return high << 32 | bits32();
}

void TorchDraws::uniform(std::span<float> w, double low, double high) {
  const float from = static_cast<float>(low), range = static_cast<float>(high) - from;
  for (float& v : w) v = std::fma(static_cast<float>(bits32() & 0xffffffu) * 0x1p-24f, range, from);
}

double TorchDraws::scalar_normal() {
  if (cached_normal_) {
    const double value = *cached_normal_;
    cached_normal_.reset();
    return value;
  }
  constexpr std::uint64_t kMask = (std::uint64_t{1} << 53) - 1;
  const double u1 = static_cast<double>(bits64() & kMask) * 0x1p-53;
  const double u2 = static_cast<double>(bits64() & kMask) * 0x1p-53;
  const double radius = std::sqrt(-2.0 * std::log1p(-u2)), angle = 2.0 * std::numbers::pi * u1;
  cached_normal_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

void TorchDraws::normal(std::span<float> w, double mean, double std) {
  if (w.size() < kBlock) {
    for (float& v : w) v = static_cast<float>(scalar_normal() * std + mean);
    return;
  }
  const auto transform = [&](std::span<float> block) {
    for (std::size_t j = 0; j < kBlock / 2; ++j) {
      const double u1 = 1.0 - static_cast<double>(block[j]), u2 = static_cast<double>(block[j + kBlock / 2]);
      const double radius = std::sqrt(-2.0 * std::log(u1)), angle = 2.0 * std::numbers::pi * u2;
      block[j] = static_cast<float>(radius * std::cos(angle) * std + mean);
      block[j + kBlock / 2] = static_cast<float>(radius * std::sin(angle) * std + mean);
    }
  };
  uniform(w, 0.0, 1.0);
  for (std::size_t begin = 0; begin + kBlock <= w.size(); begin += kBlock) transform(w.subspan(begin, kBlock));
  if (w.size() % kBlock == 0) return;
  const std::span<float> last = w.last(kBlock);  // overlaps the block before it
  uniform(last, 0.0, 1.0);
  transform(last);
}

// torch.nn.init.trunc_normal_ up to 2.11: t = erfinv(U(2 l - 1, 2 u - 1)), t * std * sqrt(2) + mean, clamped.
void TorchDraws::truncated_normal(std::span<float> w, double mean, double std, double low, double high) {
  uniform(w, 2.0 * normal_cdf((low - mean) / std) - 1.0, 2.0 * normal_cdf((high - mean) / std) - 1.0);
  for (float& v : w) {
    const double p = 0.5 * (1.0 + static_cast<double>(v));
    const double z = p <= 0.0 ? -INFINITY : p >= 1.0 ? INFINITY : normal_quantile(p);
    v = static_cast<float>(std::clamp(mean + std * z, low, high));
  }
}

std::vector<std::uint32_t> TorchDraws::permutation(std::uint32_t size) {
  std::vector<std::uint32_t> order(size);
  std::iota(order.begin(), order.end(), 0u);
  for (std::uint32_t i = 0; i + 1 < size; ++i) std::swap(order[i], order[i + bits32() % (size - i)]);
  return order;
}

}  // namespace fanin
