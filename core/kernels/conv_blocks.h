// What the rungs for 1x1 convolutions share: an image's pixels in blocks, how these are packed, and what to fetch ahead
// for the next block.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/ahead.h"
#include "core/kernels/conv_epilogue.h"
#include "core/kernels/conv_pack.h"
#include "core/tensor/parallel.h"

namespace fanin {

constexpr int kBlockPixels = 64;

// Weights above this many are fetched panel by panel, since 1 MiB does not stay in the L2 cache beside the pixels; and
// in amx they have no private copies of their gradient (pointwise does without them earlier).
constexpr int kLargeWeights = 512 * 512;
inline bool is_large(const Grouping& g) { return g.in * g.out > kLargeWeights; }

// Blocks of `size` output pixels; the last of an image may be shorter.
struct Blocks {
  int images, width, pixels, size, per_image, stride;
  Blocks(const Conv2d& c, const Shape& y, int block_pixels = kBlockPixels)
      : images(y.images),
        width(y.width),
        pixels(y.height * y.width),
        size(block_pixels),
        per_image(micro::ceil_div(pixels, size)),
        stride(c.stride) {}
  int total() const { return images * per_image; }
  // A packed block: [pack of 16 channels][`size` pixels][16].
  std::ptrdiff_t pack_stride() const { return size * micro::kPack; }
};

struct Block {
  int image, first, count;
};

inline Block block_at(const Blocks& b, int index) {
  const int first = index % b.per_image * b.size;
  return {index / b.per_image, first, std::min(b.size, b.pixels - first)};
}

// The block of x that the output pixels of `block` are made of, transformed. `streamed`: see pack_joined.
void pack_block(const Blocks&, ConstView x, const InputTransform&, const Block&, float* to, bool streamed = false);
// One pack of it, from channel `first` on, of an x that is not joined.
void pack_channels(const Blocks&, ConstView x, const InputTransform&, const Block&, int first, float* to);
void pack_gradient_channels(const Gradient& dy, const Block&, int first, float* to);

// The pixels of block `index`, if there is one; with stride 2 nothing of the input, of which most is not read.
inline void add_block(micro::Ahead& ahead, const Blocks& b, ConstView v, int index) {
  if (index >= b.total() || v.data == nullptr || v.shape.height * v.shape.width != b.pixels) return;
  const Block block = block_at(b, index);
  ahead.add(v.pixel(micro::z(block.image) * micro::z(b.pixels) + micro::z(block.first)), v.stride, block.count,
            v.shape.channels);
}

// What loading block `index` takes: x, unless nobody has to fetch it, and what it is joined from.
inline void add_input_block(micro::Ahead& ahead, const Blocks& b, ConstView x, const InputTransform& t, bool fetch_x,
                            int index) {
  if (fetch_x) add_block(ahead, b, x, index);
  if (t.joined == nullptr) return;
  for (std::size_t k = 0; k < t.joined->count; ++k) add_block(ahead, b, t.joined->operands[k].x, index);
}

// Some blocks; of whole images.
struct BlockRange {
  int first, count;
};

// Calls fn(index of the block) for these; those of an image in order in one thread if `together`.
template <class Fn>
void for_blocks(const Blocks& b, const BlockRange& range, bool together, Fn&& fn) {
  const int unit = together ? b.per_image : 1;
  parallel_for(range.count / unit, [&](int index) {
    for (int i = index * unit; i < (index + 1) * unit; ++i) fn(range.first + i);
  });
}
template <class Fn>
void for_blocks(const Blocks& b, bool together, Fn&& fn) {
  for_blocks(b, {0, b.total()}, together, fn);
}

// What backward_input reads and writes for block `index`; its pack first.
inline void add_gradient_block(micro::Ahead& ahead, const Blocks& b, const Gradient& dy, View dx,
                               const BackwardEpilogue& e, int index) {
  if (!empty(e)) {
    for (const GradientSums& o : e.others) add_block(ahead, b, o.x, index);
    add_block(ahead, b, e.x, index);
  }
  add_block(ahead, b, dx, index);
  add_block(ahead, b, dy.y, index);
  add_block(ahead, b, dy.g, index);
}

// Whether the epilogue, for which add_gradient_block fetches, reads x.
inline bool reads(const BackwardEpilogue& e, ConstView x) { return !empty(e) && e.x.data == x.data; }

}  // namespace fanin
