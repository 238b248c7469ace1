// Random numbers without a generator: draw `index` of stream `name` under `seed` is a pure function of the three.
//   value(seed, name, index) = Philox4x32-10(key = hash(seed, name), counter = index)         (Salmon et al. 2011)
// So nothing has to be saved to resume, and adding a layer or a thread changes no other draw.
// Every draw is one 64-bit word turned into a number by basic IEEE double operations only: the same bits on any
// machine.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace fanin {

class Rng {
 public:
  // Streams in use: init/<parameter>, init-network/<step>/..., shuffle/<epoch>, augment/<epoch>/<image>, dropout/<node>/<step>,
  // synthetic/<split>/<image>, split/<class>, select/<class>, bootstrap/...
  static Rng stream(std::uint64_t seed, std::string_view name);
  explicit Rng(std::uint64_t key) : key_(key) {}

  std::uint64_t bits(std::uint64_t index) const;
  double uniform(std::uint64_t index) const;           // (0, 1), symmetric about 1/2, 53 bits
  double normal(std::uint64_t index) const;            // mean 0, variance 1, by inversion
  double truncated_normal(std::uint64_t index) const;  // N(0, 1) restricted to [-2, 2]; its std is 0.8796256610342398
  std::uint64_t below(std::uint64_t index, std::uint64_t bound) const;  // 0 ... bound - 1; bound >= 1, bound <= 2^32

  std::vector<std::uint32_t> permutation(std::uint32_t size) const;  // Fisher-Yates; draw i is index i

 private:
  std::uint64_t key_;
};

// Inverse of the standard normal distribution function (Wichura 1988, algorithm AS 241, PPND16: about 16 digits).
double normal_quantile(double probability);
double normal_cdf(double x);  // the standard normal distribution function; by the C library's erfc

// 64-bit hash (XXH3) of bytes; the `weights_hash` of a run and the keys of the streams above.
std::uint64_t hash_bytes(const void* data, std::size_t size, std::uint64_t seed = 0);

}  // namespace fanin
