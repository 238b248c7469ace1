// Where an initializer's random numbers come from. Weights are filled in file order (OIHW), so that values depend on
// a weight's shape and not on its layout in memory.
//   philox   fanin's own: draw i of stream init/<parameter>, whatever else is drawn (core/rng.h)
//   torch    PyTorch's CPU generator: one sequence for the whole network (init/torch_draws.h)
// SPDX-License-Identifier: MIT
#pragma once

#include "core/rng.h"

#include <span>
#include <string_view>

namespace fanin {

class Draws {
 public:
  virtual ~Draws() = default;
  virtual void uniform(std::span<float> w, double low, double high) = 0;
  virtual void normal(std::span<float> w, double mean, double std) = 0;
  // N(mean, std^2) restricted to [low, high]: absolute bounds, not multiples of std.
  virtual void truncated_normal(std::span<float> w, double mean, double std, double low, double high) = 0;
  virtual std::vector<std::uint32_t> permutation(std::uint32_t size) = 0;
};

// Successive calls take successive indices of the stream; the first call's element i is index i.
class PhiloxDraws : public Draws {
 public:
  explicit PhiloxDraws(const Rng& rng) : rng_(rng) {}
  void uniform(std::span<float> w, double low, double high) override;
  void normal(std::span<float> w, double mean, double std) override;
  void truncated_normal(std::span<float> w, double mean, double std, double low, double high) override;
  std::vector<std::uint32_t> permutation(std::uint32_t size) override;

 private:
  Rng rng_;
  std::uint64_t next_ = 0;
};

enum class StreamKind { philox, torch };
StreamKind parse_stream(std::string_view name);  // throws ErrorKind::usage

// By inversion, from the side of the smaller tail, so that intervals far out keep their digits: z with
// P(Z <= z | low <= Z <= high) = p for a standard normal Z.
double truncated_normal_quantile(double p, double low, double high);

}  // namespace fanin
