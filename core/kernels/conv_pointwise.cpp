// 1x1 convolution: a matrix product over pixels, in blocks of pixels (conv_blocks.h).
//   Fits     1x1 without padding and groups, stride 1 or 2 (shortcuts, which read every second pixel of every second row).
//            backward takes both gradients from one load of x and dy.
//   Layout   Pack: [pack of 16 input channels][pixel of the block][16], BatchNorm and ReLU folded into the copy.
//            A block of 64 pixels stays in the L2 cache up to 1024 channels; packing a whole image instead was slower
//            by a third. Weights: [panel][input channel][vectors].
//   Tile     a panel over the pixels of the block; the block's epilogue follows while it is in the L1 or L2 cache.
//   Threads  one image is one block of work, or a block of pixels where an epilogue does not bind the pixels of an image
//            together; weight gradients go to private copies, added in order. Those of large weights do not: there each
//            task sums up some panels of the only one over all pixels, and packs x for itself.
//   Measurements: README.md of this folder.
// SPDX-License-Identifier: MIT
#include "core/kernels/conv_blocks.h"
#include "core/kernels/conv_candidate.h"
#include "core/kernels/conv_epilogue.h"
#include "core/kernels/conv_pack.h"
#include "core/kernels/conv_tile.h"
#include "core/tensor/parallel.h"

namespace fanin {

namespace {

using micro::Ahead;
using micro::ceil_div;
using micro::kLanes;
using micro::kPack;
using micro::packs;
using micro::Panels;
using micro::z;

constexpr int kOrder[] = {0};
constexpr std::ptrdiff_t kNoOffset[] = {0};

bool fits(const Conv2d& c, const Shape&, ConvProduct) {
  return c.kernel == 1 && c.padding == 0 && c.groups == 1 && c.stride <= 2;
}

std::size_t block_floats(int channels) { return z(packs(channels)) * kBlockPixels * kPack; }

// Where output pixel `p` of an image is in x.
const float* source(const Blocks& b, ConstView x, int image, int p) {
  const std::size_t first = z(image) * z(x.shape.height) * z(x.shape.width);
  if (b.stride == 1) return x.pixel(first + z(p));
  return x.pixel(first + z(p / b.width * b.stride) * z(x.shape.width) + z(p % b.width * b.stride));
}

void pack_block(const Blocks& b, ConstView x, const InputTransform& t, const Block& block, float* to) {
  for (int c = 0; c < x.shape.channels; c += kPack, to += kBlockPixels * kPack) {
    const int channels = std::min(kPack, x.shape.channels - c);
    for (int p = 0; p < block.count;) {  // with stride 2 a run ends with its row
      const int column = (block.first + p) % b.width;
      const int run = b.stride == 1 ? block.count : std::min(block.count - p, b.width - column);
      const float* from = source(b, x, block.image, block.first + p);
      pack_run(t, {from, b.stride * x.stride, run, c, channels}, to + p * kPack);
      p += run;
    }
  }
}

void pack_gradient(const Gradient& dy, const Block& block, int first, int end, float* to) {  // of these channels
  const std::size_t pixel = z(block.image) * z(dy.shape().height * dy.shape().width) + z(block.first);
  for (int c = first; c < end; c += kPack, to += kBlockPixels * kPack)
    pack_gradient_run(dy, pixel, block.count, c, std::min(kPack, end - c), to);
}
void pack_gradient(const Gradient& dy, const Block& block, float* to) {
  pack_gradient(dy, block, 0, dy.shape().channels, to);
}

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

// The products of a block, all panels.
void multiply_block(const Panels& panels, int depth, const Block& block, const float* packed, const float* weights,
                    const Destination& to, Ahead& ahead) {
  const View& y = to.y;
  const std::size_t pixel = z(block.image) * z(y.shape.height * y.shape.width) + z(block.first);
  const micro::Depth d{kNoOffset, 1, depth, kBlockPixels * kPack};
  for (int panel = 0; panel < panels.count(); ++panel)
    micro::with_width(panels.width(panel), [&]<int V>() {
      const int first = panels.first_channel(panel), last_lanes = panels.last_lanes(panel);
      if (panel + 1 < panels.count() && panels.channels * depth > kLargeWeights)
        ahead.add(weights + z(panels.first_channel(panel + 1)) * z(depth), z(depth * panels.width(panel + 1) * kLanes));
      alignas(64) float sums[kBlockPixels * V * kLanes];
      const auto multiply = [&](const auto& sink) {
        micro::multiply_deep<V>(block.count, d, packed, weights + z(first) * z(depth), sink, sums, ahead);
      };
      if (to.stride == 1)
        return with_sink(to.e, y, to.write, {to.e, y, to.write, block.image, pixel, 1, first, last_lanes}, multiply);
      multiply(micro::Target{sums, V * kLanes, kLanes, false});
      spread<V>(to, block, first, last_lanes, sums);
    });
}

void forward(const Conv2d& c, ConstView x, const InputTransform& t, const float* w, View y, const ForwardEpilogue& e,
             std::span<float> scratch) {
  const Grouping g(c);
  const Blocks blocks(c, y.shape);
  Scratch parts(scratch);
  float* const weights = parts.take(packed_weight_floats(g, false, 1));
  float* const packs = parts.take(0);
  pack_weights(g, w, false, kOrder, weights);
  const Write write = in_place(e, y) ? Write::add : Write::overwrite;
  const BackwardEpilogue nothing;
  for_blocks(blocks, e.moments != nullptr, [&](int index) {
    const Block block = block_at(blocks, index);
    float* const packed = packs + z(omp_get_thread_num()) * block_floats(g.in);
    pack_block(blocks, x, t, block, packed);
    Ahead ahead;
    add_block(ahead, blocks, y, index + 1);
    add_block(ahead, blocks, x, index + 1);
    multiply_block({g.out}, g.in, block, packed, weights, {y, write, nothing}, ahead);
    finish_forward(e, y, {block.image, block.first, block.count, 0, g.out});
  });
}

void backward_input_of(const Conv2d& c, const Gradient& dy, const float* w, View dx, Write write,
                       const BackwardEpilogue& e, std::span<float> scratch) {
  const Grouping g(c);
  const Blocks blocks(c, dy.shape());
  Scratch parts(scratch);
  float* const weights = parts.take(packed_weight_floats(g, true, 1));
  float* const packs = parts.take(0);
  pack_weights(g, w, true, kOrder, weights);
  for_blocks(blocks, takes_sums(e), [&](int index) {
    const Block block = block_at(blocks, index);
    float* const packed = packs + z(omp_get_thread_num()) * block_floats(g.out);
    pack_gradient(dy, block, packed);
    if (block.first == 0) clear_sums(e, dx.shape, block.image);
    Ahead ahead;
    add_gradient_block(ahead, blocks, dy, dx, e, index + 1);
    multiply_block({g.in}, g.out, block, packed, weights, {dx, write, e, c.stride, blocks.width}, ahead);
  });
}
void backward_input(const Conv2d& c, ConstView dy, const float* w, View dx, Write write, const BackwardEpilogue& e,
                    std::span<float> scratch) {
  backward_input_of(c, dy, w, dx, write, e, scratch);
}

// dw of a block and of panels [first, end), rows of these panels' vectors. Both are packed; dy from the first panel on.
void correlate_panels(const Grouping& g, const Block& block, int first, int end, const float* x, const float* dy,
                      float* dw, Ahead& ahead) {
  const Panels panels{g.out};
  for (int panel = first; panel < end; ++panel)
    micro::with_width(panels.width(panel), [&]<int V>() {
      const int vector = panels.vectors(first, panel);
      const micro::Pixels pixels{1, block.count, 0, 0, kPack, kBlockPixels * kPack, vector};
      micro::correlate_rows<V, 1>(pixels, g.in, x, kBlockPixels * kPack, dy, dw + vector * kLanes,
                                  panels.vectors(first, end) * kLanes, ahead);
    });
}

void correlate_block(const Grouping& g, const Block& block, const float* x, const float* dy, float* dw, Ahead& ahead) {
  correlate_panels(g, block, 0, Panels{g.out}.count(), x, dy, dw, ahead);
}

std::size_t gradient_floats(const Grouping& g) { return Scratch::rounded(z(g.in) * z(Panels{g.out}.padded())); }

constexpr int kPanelsOfTask = 2, kChannelsOfTask = kPanelsOfTask * micro::kWidest * kLanes;  // at most

std::size_t weight_gradient_scratch(const Grouping& g, int threads) {
  if (!is_large(g))
    return kWeightGradientChunks * gradient_floats(g) + z(threads) * (block_floats(g.in) + block_floats(g.out));
  return gradient_floats(g) + z(threads) * (block_floats(g.in) + block_floats(kChannelsOfTask));
}

void correlate_large(const Conv2d& c, ConstView x, const InputTransform& t, const Gradient& dy, float* dw,
                     std::span<float> scratch) {
  const Grouping g(c);
  const Blocks blocks(c, dy.shape());
  const Panels panels{g.out};
  const std::size_t pack_floats = block_floats(g.in) + block_floats(kChannelsOfTask);
  Scratch parts(scratch);
  float* const sums = parts.take(gradient_floats(g));  // [task][input channel][output channels of the task]
  float* const packs = parts.take(0);
  parallel_for(micro::ceil_div(panels.count(), kPanelsOfTask), [&](int task) {
    const int first = task * kPanelsOfTask, end = std::min(panels.count(), first + kPanelsOfTask);
    const int channel = panels.first_channel(first), past = panels.end_channel(end);
    const int padded = panels.vectors(first, end) * kLanes;
    float* const sum = sums + z(g.in) * z(channel);
    std::fill_n(sum, z(g.in) * z(padded), 0.0f);
    float* const packed_x = packs + z(omp_get_thread_num()) * pack_floats;
    float* const packed_dy = packed_x + block_floats(g.in);
    for (int i = 0; i < blocks.total(); ++i) {
      const Block block = block_at(blocks, i);
      pack_block(blocks, x, t, block, packed_x);
      pack_gradient(dy, block, channel, past, packed_dy);
      Ahead ahead;
      add_block(ahead, blocks, x, i + 1);
      correlate_panels(g, block, first, end, packed_x, packed_dy, sum, ahead);
    }
    for (int row = 0; row < g.in; ++row)
      add_weight_row(g, sum + z(row) * z(padded), {0, 0, row, 1, channel, padded}, dw);
  });
}

void backward_weights(const Conv2d& c, ConstView x, const InputTransform& t, ConstView dy, float* dw,
                      std::span<float> scratch) {
  const Grouping g(c);
  if (is_large(g)) return correlate_large(c, x, t, dy, dw, scratch);
  const Blocks blocks(c, dy.shape);
  const int chunks = std::min(kWeightGradientChunks, blocks.total());
  const std::size_t size = gradient_floats(g);
  Scratch parts(scratch);
  float* const partials = parts.take(kWeightGradientChunks * size);
  float* const packs = parts.take(0);
  parallel_for(chunks, [&](int chunk) {
    float* const partial = partials + z(chunk) * size;
    std::fill_n(partial, size, 0.0f);
    float* const packed_x = packs + z(omp_get_thread_num()) * (block_floats(g.in) + block_floats(g.out));
    float* const packed_dy = packed_x + block_floats(g.in);
    for (int i = chunk * blocks.total() / chunks; i < (chunk + 1) * blocks.total() / chunks; ++i) {
      const Block block = block_at(blocks, i);
      pack_block(blocks, x, t, block, packed_x);
      pack_gradient(dy, block, packed_dy);
      Ahead ahead;
      add_block(ahead, blocks, dy, i + 1);
      add_block(ahead, blocks, x, i + 1);
      correlate_block(g, block, packed_x, packed_dy, partial, ahead);
    }
  });
  add_weight_chunks(g, partials, chunks, size, dw);
}

// Both gradients from one load. A chunk is a range of images, so that an epilogue's sums stay in one thread.
void backward_together(const Conv2d& c, ConstView x, const InputTransform& t, const Gradient& dy, const float* w,
                       View dx, Write write, const BackwardEpilogue& e, float* dw, std::span<float> scratch) {
  const Grouping g(c);
  const Blocks blocks(c, dy.shape());
  const int images = blocks.images, chunks = std::min(kWeightGradientChunks, images);
  const std::size_t size = gradient_floats(g);
  Scratch parts(scratch);
  float* const weights = parts.take(packed_weight_floats(g, true, 1));
  float* const partials = parts.take(kWeightGradientChunks * size);
  float* const packs = parts.take(0);
  pack_weights(g, w, true, kOrder, weights);
  parallel_for(chunks, [&](int chunk) {
    float* const partial = partials + z(chunk) * size;
    std::fill_n(partial, size, 0.0f);
    float* const packed_x = packs + z(omp_get_thread_num()) * (block_floats(g.in) + block_floats(g.out));
    float* const packed_dy = packed_x + block_floats(g.in);
    const int end = (chunk + 1) * images / chunks * blocks.per_image;
    for (int i = chunk * images / chunks * blocks.per_image; i < end; ++i) {
      const Block block = block_at(blocks, i);
      pack_block(blocks, x, t, block, packed_x);
      pack_gradient(dy, block, packed_dy);
      Ahead ahead;
      add_gradient_block(ahead, blocks, dy, dx, e, i + 1);
      if (empty(e) || e.x.data != x.data) add_block(ahead, blocks, x, i + 1);
      correlate_block(g, block, packed_x, packed_dy, partial, ahead);
      if (block.first == 0) clear_sums(e, dx.shape, block.image);
      multiply_block({g.in}, g.out, block, packed_dy, weights, {dx, write, e, c.stride, blocks.width}, ahead);
    }
  });
  add_weight_chunks(g, partials, chunks, size, dw);
}

// Weight gradients first: x may be the value whose gradient an epilogue finishes, but dx is never read for them.
void backward(const Conv2d& c, ConstView x, const InputTransform& t, const Gradient& dy, const float* w, View dx,
              Write write, const BackwardEpilogue& e, float* dw, std::span<float> scratch) {
  if (!is_large(Grouping(c))) return backward_together(c, x, t, dy, w, dx, write, e, dw, scratch);
  correlate_large(c, x, t, dy, dw, scratch);
  backward_input_of(c, dy, w, dx, write, e, scratch);
}

std::size_t backward_scratch(const Conv2d& c, const Shape&, int threads) {
  const Grouping g(c);
  const std::size_t weights = Scratch::rounded(packed_weight_floats(g, true, 1));
  if (is_large(g)) return std::max(weight_gradient_scratch(g, threads), weights + z(threads) * block_floats(g.out));
  return weights + weight_gradient_scratch(g, threads);
}

std::size_t scratch_floats(const Conv2d& c, const Shape&, ConvProduct product, int threads) {
  const Grouping g(c);
  switch (product) {
    case ConvProduct::forward:
      return Scratch::rounded(packed_weight_floats(g, false, 1)) + z(threads) * block_floats(g.in);
    case ConvProduct::backward_input:
      return Scratch::rounded(packed_weight_floats(g, true, 1)) + z(threads) * block_floats(g.out);
    case ConvProduct::backward_weights: break;
  }
  return weight_gradient_scratch(g, threads);
}

std::string tile(const Conv2d& c, const Shape&, ConvProduct product) {
  return "block of " + std::to_string(kBlockPixels) + " px, " + register_tile(c, product);
}

}  // namespace

const ConvCandidate conv_pointwise = {.name = "pointwise",
                                      .fits = fits,
                                      .tile = tile,
                                      .scratch = scratch_floats,
                                      .forward = forward,
                                      .backward_input = backward_input,
                                      .backward_weights = backward_weights,
                                      .backward_scratch = backward_scratch,
                                      .backward = backward,
                                      .loads_gradient = true};

}  // namespace fanin
