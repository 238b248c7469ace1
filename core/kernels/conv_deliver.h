// Where the register tiles of 1x1 convolutions leave what they compute: the next pixels in a row, or with stride 2
// every second pixel of every second row.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv_blocks.h"

namespace fanin {

constexpr std::ptrdiff_t kNoOffset[] = {0};  // the only tap

// Where the products of a block and panel go: y, or dx with an epilogue.
struct Destination {
  View y;
  Write write;
  const BackwardEpilogue& e;
  int stride = 1;  // of y's pixels, in both directions
  int width = 0;   // of the image that the block is of
};

// Products of a block and panel, at `sums`, go to every second pixel of every second row; the others get what a product
// of 0 leaves there, which is nothing if it is added without an epilogue.
template <int V>
void spread(const Destination& d, const Block& block, int channel, int last_lanes, const float* sums) {
  using micro::kLanes, micro::z;
  constexpr micro::Depth kNothingMore{kNoOffset, 0, 0, 0};
  const int height = d.y.shape.height, width = d.y.shape.width;
  const bool zeros_matter = d.write == Write::overwrite || !(empty(d.e) || d.e.scaled);
  const auto put = [&](int row, int column, int pixels, const float* products) {
    if (row >= height || (products == nullptr && !zeros_matter)) return;
    const std::size_t pixel = (z(block.image) * z(height) + z(row)) * z(width) + z(column);
    with_sink(d.e, d.y, d.write, {d.e, d.y, d.write, block.image, pixel, 2, channel, last_lanes}, [&](auto sink) {
      micro::multiply_row<V, 1>(pixels, kNothingMore, sums, nullptr, sink, micro::kNothingAhead, products);
    });
  };
  for (int p = 0; p < block.count;) {
    const int row = (block.first + p) / d.width, column = (block.first + p) % d.width;
    const int run = std::min(block.count - p, d.width - column), between = std::min(run, width / 2 - column);
    put(2 * row, 2 * column, run, sums + p * V * kLanes);
    put(2 * row, 2 * column + 1, between, nullptr);
    put(2 * row + 1, 2 * column, run, nullptr);
    put(2 * row + 1, 2 * column + 1, between, nullptr);
    p += run;
  }
}

// The products of a block and panel to where they go: product(sink) computes them. `sums`: room for them.
template <int V, class Product>
void deliver(const Destination& to, const Block& block, int channel, int last_lanes, float* sums,
             const Product& product) {
  using micro::kLanes, micro::z;
  const View& y = to.y;
  if (to.stride == 1) {
    const std::size_t pixel = z(block.image) * z(y.shape.height * y.shape.width) + z(block.first);
    return with_sink(to.e, y, to.write, {to.e, y, to.write, block.image, pixel, 1, channel, last_lanes}, product);
  }
  product(micro::Target{sums, V * kLanes, kLanes, false});
  spread<V>(to, block, channel, last_lanes, sums);
}

}  // namespace fanin
