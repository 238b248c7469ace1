// SPDX-License-Identifier: MIT
#include "core/tensor/shape.h"

#include <fmt/format.h>

namespace fanin {

std::string to_string(const Shape& s) { return fmt::format("{}x{}x{}x{}", s.images, s.height, s.width, s.channels); }

std::vector<std::size_t> WeightShape::file_dimensions() const {
  const auto size = [](int n) { return static_cast<std::size_t>(n); };
  if (rank == 1) return {size(out_channels())};
  if (rank == 2) return {size(out_channels()), size(in_per_group)};
  return {size(out_channels()), size(in_per_group), size(kernel_height), size(kernel_width)};
}

std::string to_string(const WeightShape& s) { return fmt::format("({})", fmt::join(s.file_dimensions(), ", ")); }

}  // namespace fanin
