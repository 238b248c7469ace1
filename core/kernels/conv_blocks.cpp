// SPDX-License-Identifier: MIT
#include "core/kernels/conv_blocks.h"

namespace fanin {

using micro::kPack;
using micro::z;

namespace {

// Where output pixel `p` of an image is in x.
const float* source(const Blocks& b, ConstView x, int image, int p) {
  const std::size_t first = z(image) * z(x.shape.height) * z(x.shape.width);
  if (b.stride == 1) return x.pixel(first + z(p));
  return x.pixel(first + z(p / b.width * b.stride) * z(x.shape.width) + z(p % b.width * b.stride));
}

}  // namespace

void pack_channels(const Blocks& b, ConstView x, const InputTransform& t, const Block& block, int first, float* to) {
  const int channels = std::min(kPack, x.shape.channels - first);
  for (int p = 0; p < block.count;) {  // with stride 2 a run ends with its row
    const int column = (block.first + p) % b.width;
    const int run = b.stride == 1 ? block.count : std::min(block.count - p, b.width - column);
    const float* from = source(b, x, block.image, block.first + p);
    pack_run(t, {from, b.stride * x.stride, run, first, channels}, to + p * kPack);
    p += run;
  }
}

void pack_block(const Blocks& b, ConstView x, const InputTransform& t, const Block& block, float* to, bool streamed) {
  const std::ptrdiff_t stride = b.pack_stride();
  if (t.joined != nullptr)
    return pack_joined(*t.joined, z(block.image) * z(b.pixels) + z(block.first), block.count, to, stride, streamed);
  for (int c = 0; c < x.shape.channels; c += kPack, to += stride) pack_channels(b, x, t, block, c, to);
}

void pack_gradient_channels(const Gradient& dy, const Block& block, int first, float* to) {
  const std::size_t pixel = z(block.image) * z(dy.shape().height * dy.shape().width) + z(block.first);
  pack_gradient_run(dy, pixel, block.count, first, std::min(kPack, dy.shape().channels - first), to);
}

}  // namespace fanin
