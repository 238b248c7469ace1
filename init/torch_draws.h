// PyTorch's CPU random numbers for float tensors, as PyTorch 1.13 to 2.11 draw them after torch.manual_seed(seed):
// MT19937 seeded by the low 32 bits of the seed, and one sequence for all tensors.
//   uniform_      one 32-bit draw an element, its low 24 bits; u * (to - from) + from, fused. Bit for bit.
//   normal_       16 elements or more: Box-Muller over blocks of 16 (cosines first, then sines), and 16 new draws for
//                 the last 16 elements if 16 does not divide the size. Fewer: pairs in double, the second of a pair
//                 cached for the next call. PyTorch evaluates in float, and not alike on all machines; here in double:
//                 equal within 1e-6 of a standard deviation.
//   trunc_normal_ inverse distribution function of one uniform, clamped (PyTorch 2.12 draws otherwise). Within 1e-6 where
//                 erfinv is not close to its poles.
//   randperm      Fisher-Yates from the front, draw mod (n - i). Exact.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/draws.h"

#include <array>
#include <optional>

namespace fanin {

class TorchDraws : public Draws {
 public:
  explicit TorchDraws(std::uint64_t seed);

  std::uint32_t bits32();
  std::uint64_t bits64();  // the first draw is the upper half

  void uniform(std::span<float> w, double low, double high) override;
  void normal(std::span<float> w, double mean, double std) override;
  void truncated_normal(std::span<float> w, double mean, double std, double low, double high) override;
  std::vector<std::uint32_t> permutation(std::uint32_t size) override;

 private:
  void generate();
  double scalar_normal();  // mean 0, variance 1

  std::array<std::uint32_t, 624> state_;  // MT19937 (Matsumoto & Nishimura 1998)
  std::size_t used_ = 624;
  std::optional<double> cached_normal_;
};

}  // namespace fanin
