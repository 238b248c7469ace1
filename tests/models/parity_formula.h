// Weights, images and labels by formula, the same bits as in tests/parity/parity_tools.py: integers, and IEEE double
// operations rounded once.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fanin::test {

// Multiples of 2^-24 in [0, 1): the upper bits of SplitMix64 from the FNV-1a hash of the name.
class Formula {
 public:
  explicit Formula(std::string_view name) {
    for (const char c : name) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  }
  double operator()(std::size_t index) const {
    std::uint64_t z = state_ + (index + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return static_cast<double>(z >> 40) * 0x1p-24;
  }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325u;
};

inline std::vector<float> formula_weight(const Parameter& p) {  // in file order
  const Formula u(p.name);
  const bool scale = p.name.ends_with(".weight");
  const double fan_in = static_cast<double>(p.shape.taps() * p.shape.in_per_group);
  std::vector<float> values(p.shape.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(p.shape.rank > 1 ? std::sqrt(6.0 / fan_in) * (2.0 * u(i) - 1.0)
                                   : scale          ? 0.5 + u(i)
                                                    : 0.5 * (u(i) - 0.5));
  return values;
}

inline void fill_by_formula(const Network& net) {
  for (Parameter* p : net.parameters()) from_file_order(p->shape, formula_weight(*p), p->value);
  for (StateBuffer* b : net.buffers()) {
    const Formula u(b->name);
    for (std::size_t i = 0; i < b->value.size(); ++i)
      b->value[i] = static_cast<float>(b->name.ends_with("running_var") ? 1.0 + 2.0 * u(i) : 0.5 * (u(i) - 0.5));
  }
}

struct FormulaBatch {
  Tensor images;
  std::vector<int> labels;
};

inline FormulaBatch formula_batch(const std::string& key, const Shape& images, int classes) {
  FormulaBatch batch{Tensor(images), {}};
  const Formula pixels("images/" + key), labels("labels/" + key);
  std::size_t index = 0;  // in PyTorch's order: image, channel, row, column
  for (int n = 0; n < images.images; ++n)
    for (int c = 0; c < images.channels; ++c)
      for (std::size_t p = 0; p < images.with_images(1).pixels(); ++p)
        batch.images.view().images(n, 1).pixel(p)[c] = static_cast<float>(1.75 * (2.0 * pixels(index++) - 1.0));
  for (int n = 0; n < images.images; ++n)
    batch.labels.push_back(static_cast<int>(labels(static_cast<std::size_t>(n)) * classes));
  return batch;
}

}  // namespace fanin::test
