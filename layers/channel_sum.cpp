// SPDX-License-Identifier: MIT
#include "layers/channel_sum.h"

#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

namespace fanin {

std::size_t channel_sum_scratch(const Shape& shape) {
  return static_cast<std::size_t>(row_block_count(shape)) * static_cast<std::size_t>(shape.channels);
}

void add_channel_sums(ConstView x, std::span<float> sums, std::span<float> scratch) {
  const std::size_t channels = static_cast<std::size_t>(x.shape.channels);
  for_numbered_row_blocks(
      [&](int block, ConstView rows) {
        VectorMap(scratch.data() + static_cast<std::size_t>(block) * channels, x.shape.channels) =
            as_matrix(rows).colwise().sum();
      },
      x);
  const std::size_t blocks = static_cast<std::size_t>(row_block_count(x.shape));
  for (std::size_t c = 0; c < channels; ++c) {
    double sum = 0.0;
    for (std::size_t block = 0; block < blocks; ++block) sum += static_cast<double>(scratch[block * channels + c]);
    sums[c] += static_cast<float>(sum);
  }
}

}  // namespace fanin
