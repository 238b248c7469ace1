// Normal numbers by name, the same in every run.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/rng.h"
#include "core/tensor/tensor.h"

#include <string>
#include <vector>

namespace fanin {

inline Tensor random(const Shape& shape, const std::string& name) {
  Tensor t(shape);
  const Rng rng = Rng::stream(5, name);
  for (std::size_t i = 0; i < shape.size(); ++i) t.view().data[i] = static_cast<float>(rng.normal(i));
  return t;
}

inline std::vector<float> random_row(int size, const std::string& name) {
  const Tensor t = random({1, 1, 1, size}, name);
  return {t.view().data, t.view().data + size};
}

}  // namespace fanin
