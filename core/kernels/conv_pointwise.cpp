// 1x1 convolution: a matrix product over pixels, in blocks of pixels (conv_blocks.h).
//   Fits     1x1 without padding and groups, stride 1 or 2 (shortcuts, which read every second pixel of every second row).
//            backward takes both gradients from one load of x and dy.
//            x may be Joined, which is written on the way.
//   Layout   Pack: [pack of 16 input channels][pixel of the block][16], BatchNorm and ReLU folded into the copy.
//            A block of 64 pixels stays in the L2 cache up to 1024 channels; packing a whole image instead was slower
//            by a third. Weights: [panel][input channel][vectors].
//   Tile     a panel over the pixels of the block; the block's epilogue follows while it is in the L1 or L2 cache.
//   Threads  one image is one block of work, or a block of pixels where an epilogue does not bind the pixels of an image
//            together; weight gradients go to private copies, added in order. Those of more weights are one sum: x and
//            dy of some images are packed, dx of these computed on the way; then each thread sums up its parts of dw.
//   Measurements: README.md of this folder.
// SPDX-License-Identifier: MIT
#include "core/kernels/conv_blocks.h"
#include "core/kernels/conv_candidate.h"
#include "core/kernels/conv_deliver.h"
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

// Above this many weights x and dy of many blocks are packed before their gradient is summed up, part by part; below,
// private copies of it stay in the L2 cache with a block of x and dy.
constexpr int kSharedGradient = 256 * 512;
constexpr int kOrder[] = {0};

bool fits(const Conv2d& c, const Shape&, ConvProduct) {
  return c.kernel == 1 && c.padding == 0 && c.groups == 1 && c.stride <= 2;
}

bool shares_gradient(const Grouping& g) { return g.in * g.out > kSharedGradient; }

constexpr std::ptrdiff_t kPackStride = kBlockPixels * kPack;
std::size_t block_floats(int channels) { return z(packs(channels)) * kBlockPixels * kPack; }

void pack_gradient(const Gradient& dy, const Block& block, float* to) {
  for (int c = 0; c < dy.shape().channels; c += kPack, to += kPackStride) pack_gradient_channels(dy, block, c, to);
}

// The products of a block, all panels.
void multiply_block(const Panels& panels, int depth, const Block& block, const float* packed, const float* weights,
                    const Destination& to, Ahead& ahead) {
  const micro::Depth d{kNoOffset, 1, depth, kPackStride};
  for (int panel = 0; panel < panels.count(); ++panel)
    micro::with_width(panels.width(panel), [&]<int V>() {
      const int first = panels.first_channel(panel), last_lanes = panels.last_lanes(panel);
      Ahead soon(micro::multiply_steps(panels, block.count, depth) / panels.count(), &ahead);
      if (panel + 1 < panels.count() && panels.channels * depth > kLargeWeights)
        soon.add(weights + z(panels.first_channel(panel + 1)) * z(depth), z(depth * panels.width(panel + 1) * kLanes));
      alignas(64) float sums[kBlockPixels * V * kLanes];
      deliver<V>(to, block, first, last_lanes, sums, [&](const auto& sink) {
        micro::multiply_deep<V>(block.count, d, packed, weights + z(first) * z(depth), sink, sums, soon);
      });
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
  const bool streamed = t.joined != nullptr && may_stream(t.joined->x);
  for_blocks(blocks, e.moments != nullptr, [&](int index) {
    const Block block = block_at(blocks, index);
    float* const packed = packs + z(omp_get_thread_num()) * block_floats(g.in);
    pack_block(blocks, x, t, block, packed, streamed);
    Ahead ahead(micro::multiply_steps({g.out}, block.count, g.in));
    if (!in_place(e, y)) add_block(ahead, blocks, e.add, index + 1);
    add_block(ahead, blocks, y, index + 1);
    add_input_block(ahead, blocks, x, t, !streamed, index + 1);
    multiply_block({g.out}, g.in, block, packed, weights, {y, write, nothing}, ahead);
    finish_forward(e, y, {block.image, block.first, block.count, 0, g.out});
  });
}

void backward_input(const Conv2d& c, ConstView dy, const float* w, View dx, Write write, const BackwardEpilogue& e,
                    std::span<float> scratch) {
  const Grouping g(c);
  const Blocks blocks(c, dy.shape);
  Scratch parts(scratch);
  float* const weights = parts.take(packed_weight_floats(g, true, 1));
  float* const packs = parts.take(0);
  pack_weights(g, w, true, kOrder, weights);
  for_blocks(blocks, takes_sums(e), [&](int index) {
    const Block block = block_at(blocks, index);
    float* const packed = packs + z(omp_get_thread_num()) * block_floats(g.out);
    pack_gradient(dy, block, packed);
    if (block.first == 0) clear_sums(e, dx.shape, block.image);
    Ahead ahead(micro::multiply_steps({g.in}, block.count, g.out));
    add_gradient_block(ahead, blocks, dy, dx, e, index + 1);
    multiply_block({g.in}, g.out, block, packed, weights, {dx, write, e, c.stride, blocks.width}, ahead);
  });
}

// dw of a block, `inputs` input channels from a whole pack on and a panel of output channels. x and dy are packed.
void correlate_panel(const Panels& panels, int panel, const Block& block, int inputs, const float* x, const float* dy,
                     const micro::WeightRows& dw, Ahead& ahead) {
  micro::with_width(panels.width(panel), [&]<int V>() {
    const micro::Pixels pixels{1, block.count, 0, 0, kPack, kPackStride, panels.first_vector(panel)};
    micro::correlate_rows<V, 1>(pixels, inputs, x, kPackStride, dy, dw, ahead);
  });
}

// dw of a block, rows of all output channels; what is there counts if `add`.
void correlate_block(const Grouping& g, const Block& block, const float* x, const float* dy, float* dw, bool add,
                     Ahead& ahead) {
  const Panels panels{g.out};
  for (int panel = 0; panel < panels.count(); ++panel)
    correlate_panel(panels, panel, block, g.in, x, dy, {dw + panels.first_channel(panel), panels.padded(), add}, ahead);
}

std::size_t gradient_floats(const Grouping& g) { return Scratch::rounded(z(g.in) * z(Panels{g.out}.padded())); }

// How many images are packed at a time where dw is shared.
struct Portions {
  static constexpr std::size_t kFloats = std::size_t{4} << 20;  // at most, if an image is no more
  std::size_t x, block;                                         // floats of a packed block: of x, of x and dy
  int blocks;
  Portions(const Grouping& g, const Blocks& b) : x(block_floats(g.in)), block(x + block_floats(g.out)) {
    const int fit = std::max(1, static_cast<int>(kFloats / (z(b.per_image) * block)));
    blocks = ceil_div(b.images, ceil_div(b.images, fit)) * b.per_image;
  }
  std::size_t floats() const { return z(blocks) * block; }
};

// Of a shared dw: a panel of output channels and some input channels, which one thread sums up.
struct Part {
  int panel, input, inputs, columns;
  std::size_t first;  // where its sums are: [panel][input channel][columns]
  Part(const Grouping& g, int index) {
    const Panels panels{g.out};
    panel = index / slices(g);
    input = index % slices(g) * slice(g);
    inputs = std::min(slice(g), g.in - input);
    columns = panels.width(panel) * kLanes;
    first = z(g.in) * z(panels.first_channel(panel)) + z(input) * z(columns);
  }
  static int slice(const Grouping& g) { return ceil_div(packs(g.in), ceil_div(g.in, 512)) * kPack; }
  static int slices(const Grouping& g) { return ceil_div(g.in, slice(g)); }
  static int count(const Grouping& g) { return Panels{g.out}.count() * slices(g); }
};

// dw of `count` packed blocks: added to the earlier ones', if `first` is not the first block.
void correlate_portion(const Grouping& g, const Blocks& blocks, const Portions& portions, int first, int count,
                       const float* packed, float* sums) {
  const Panels panels{g.out};
  parallel_for(Part::count(g), [&](int index) {
    const Part part(g, index);
    for (int i = 0; i < count; ++i) {
      const float* const x = packed + z(i) * portions.block + block_floats(part.input);
      const float* const dy = packed + z(i) * portions.block + portions.x;
      Ahead ahead(micro::correlate_steps(panels, kBlockPixels, part.inputs) / panels.count());
      if (i + 1 < count) {
        ahead.add(dy + portions.block + block_floats(panels.first_channel(part.panel)), block_floats(part.columns));
        ahead.add(x + portions.block, block_floats(part.inputs));
      }
      correlate_panel(panels, part.panel, block_at(blocks, first + i), part.inputs, x, dy,
                      {sums + part.first, part.columns, first + i > 0}, ahead);
    }
  });
}

void add_sums(const Grouping& g, const float* sums, float* dw) {
  parallel_for(Part::count(g), [&](int index) {
    const Part part(g, index);
    const float* sum = sums + part.first;
    for (int row = part.input; row < part.input + part.inputs; ++row, sum += part.columns)
      add_weight_row(g, sum, {0, 0, row, 1, Panels{g.out}.first_channel(part.panel), part.columns}, dw);
  });
}

// Both gradients, of weights that share one, or that of the weights alone if dx has no data.
void backward_in_portions(const Conv2d& c, ConstView x, const InputTransform& t, const Gradient& dy, const float* w,
                          View dx, Write write, const BackwardEpilogue& e, float* dw, std::span<float> scratch) {
  const Grouping g(c);
  const Blocks blocks(c, dy.shape());
  const Portions portions(g, blocks);
  Scratch parts(scratch);
  float* const sums = parts.take(gradient_floats(g));
  float* const packed = parts.take(portions.floats());
  float* const weights = parts.take(0);
  if (dx.data != nullptr) pack_weights(g, w, true, kOrder, weights);
  for (int first = 0; first < blocks.total(); first += portions.blocks) {
    const int count = std::min(portions.blocks, blocks.total() - first);
    for_blocks(blocks, {first, count}, takes_sums(e), [&](int index) {
      const Block block = block_at(blocks, index);
      float *const packed_x = packed + z(index - first) * portions.block, *const packed_dy = packed_x + portions.x;
      pack_block(blocks, x, t, block, packed_x);
      pack_gradient(dy, block, packed_dy);
      if (dx.data == nullptr) return;
      if (block.first == 0) clear_sums(e, dx.shape, block.image);
      Ahead ahead(micro::multiply_steps({g.in}, block.count, g.out));
      add_gradient_block(ahead, blocks, dy, dx, e, index + 1);
      add_input_block(ahead, blocks, x, t, !reads(e, x), index + 1);
      multiply_block({g.in}, g.out, block, packed_dy, weights, {dx, write, e, c.stride, blocks.width}, ahead);
    });
    correlate_portion(g, blocks, portions, first, count, packed, sums);
  }
  add_sums(g, sums, dw);
}

void backward_weights(const Conv2d& c, ConstView x, const InputTransform& t, ConstView dy, float* dw,
                      std::span<float> scratch) {
  const Grouping g(c);
  if (shares_gradient(g)) return backward_in_portions(c, x, t, dy, nullptr, {}, Write::overwrite, {}, dw, scratch);
  const Blocks blocks(c, dy.shape);
  const int chunks = std::min(kWeightGradientChunks, blocks.total());
  const std::size_t size = gradient_floats(g);
  Scratch parts(scratch);
  float* const partials = parts.take(kWeightGradientChunks * size);
  float* const packs = parts.take(0);
  parallel_for(chunks, [&](int chunk) {
    float* const partial = partials + z(chunk) * size;
    float* const packed_x = packs + z(omp_get_thread_num()) * (block_floats(g.in) + block_floats(g.out));
    float* const packed_dy = packed_x + block_floats(g.in);
    const int first = chunk * blocks.total() / chunks;
    for (int i = first; i < (chunk + 1) * blocks.total() / chunks; ++i) {
      const Block block = block_at(blocks, i);
      pack_block(blocks, x, t, block, packed_x);
      pack_gradient(dy, block, packed_dy);
      Ahead ahead(micro::correlate_steps({g.out}, block.count, g.in));
      add_block(ahead, blocks, dy, i + 1);
      add_block(ahead, blocks, x, i + 1);
      correlate_block(g, block, packed_x, packed_dy, partial, i > first, ahead);
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
    float* const packed_x = packs + z(omp_get_thread_num()) * (block_floats(g.in) + block_floats(g.out));
    float* const packed_dy = packed_x + block_floats(g.in);
    const int first = chunk * images / chunks * blocks.per_image;
    for (int i = first; i < (chunk + 1) * images / chunks * blocks.per_image; ++i) {
      const Block block = block_at(blocks, i);
      pack_block(blocks, x, t, block, packed_x);
      pack_gradient(dy, block, packed_dy);
      Ahead ahead(micro::correlate_steps({g.out}, block.count, g.in) +
                  micro::multiply_steps({g.in}, block.count, g.out));
      add_gradient_block(ahead, blocks, dy, dx, e, i + 1);
      add_input_block(ahead, blocks, x, t, !reads(e, x), i + 1);
      correlate_block(g, block, packed_x, packed_dy, partial, i > first, ahead);
      if (block.first == 0) clear_sums(e, dx.shape, block.image);
      multiply_block({g.in}, g.out, block, packed_dy, weights, {dx, write, e, c.stride, blocks.width}, ahead);
    }
  });
  add_weight_chunks(g, partials, chunks, size, dw);
}

void backward(const Conv2d& c, ConstView x, const InputTransform& t, const Gradient& dy, const float* w, View dx,
              Write write, const BackwardEpilogue& e, float* dw, std::span<float> scratch) {
  (shares_gradient(Grouping(c)) ? backward_in_portions : backward_together)(c, x, t, dy, w, dx, write, e, dw, scratch);
}

std::size_t weight_gradient_scratch(const Conv2d& c, const Shape& x, int threads) {
  const Grouping g(c);
  if (shares_gradient(g)) return gradient_floats(g) + Portions(g, Blocks(c, c.output_shape(x))).floats();
  return kWeightGradientChunks * gradient_floats(g) + z(threads) * (block_floats(g.in) + block_floats(g.out));
}

std::size_t backward_scratch(const Conv2d& c, const Shape& x, int threads) {
  return Scratch::rounded(packed_weight_floats(Grouping(c), true, 1)) + weight_gradient_scratch(c, x, threads);
}

std::size_t scratch_floats(const Conv2d& c, const Shape& x, ConvProduct product, int threads) {
  const Grouping g(c);
  switch (product) {
    case ConvProduct::forward:
      return Scratch::rounded(packed_weight_floats(g, false, 1)) + z(threads) * block_floats(g.in);
    case ConvProduct::backward_input:
      return Scratch::rounded(packed_weight_floats(g, true, 1)) + z(threads) * block_floats(g.out);
    case ConvProduct::backward_weights: break;
  }
  return weight_gradient_scratch(c, x, threads);
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
                                      .loads_gradient = true,
                                      .joins_input = true};

}  // namespace fanin
