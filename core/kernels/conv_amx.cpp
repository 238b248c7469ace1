// 1x1 convolution on the matrix unit (amx.h), in blocks of pixels as in conv_pointwise.cpp.
//   Fits     1x1, stride 1, without padding and groups, from 16 channels on, where the unit is. It is a candidate only with
//            ConvPrecision::bf16x6 and bf16x3.
//   Layout   y and dx: rows are pixels, terms are channels, paired as c and c + 16 of 32, so that taking numbers apart
//            moves none of them between lanes. dw: terms are the pixels of the block, paired in the same way; rows are
//            channels of x (transposed on the way), columns those of dy.
//   Tile     32 pixels (or channels) by 32 channels, all terms; then the vector unit takes over: epilogues as anywhere.
//   Threads  as in conv_pointwise.cpp.
//   Measurements: README.md of this folder.
// SPDX-License-Identifier: MIT
#include "core/kernels/amx.h"
#include "core/kernels/conv_blocks.h"
#include "core/kernels/conv_candidate.h"
#include "core/kernels/conv_epilogue.h"
#include "core/kernels/conv_pack.h"

namespace fanin {

namespace {

bool fits(const Conv2d& c, const Shape&, ConvProduct) {
  constexpr int kLeast = 16;  // channels: one tile's side
  const bool wide = c.in_channels >= kLeast && c.out_channels >= kLeast;
  return amx::available() && c.kernel == 1 && c.stride == 1 && c.padding == 0 && c.groups == 1 && wide;
}

bool admitted(ConvPrecision p) { return p == ConvPrecision::bf16x6 || p == ConvPrecision::bf16x3; }
constexpr char kWhen[] = "with --conv bf16x6 and bf16x3";

#if FANIN_AMX

using amx::kDepth;
using amx::kSide;
using amx::Tile;
using micro::Ahead;
using micro::ceil_div;
using micro::kLanes;
using micro::kPack;
using micro::packs;
using micro::z;

static_assert(kSide == kPack && kLanes == kPack && kDepth == 2 * kPack, "a pack of channels is one side of a tile");

int sides(int n) { return ceil_div(n, kSide); }
int depths(int n) { return ceil_div(n, kDepth); }
constexpr int kBlockDepths = kBlockPixels / kDepth;  // of a block's pixels, when they are the terms

int part_count() { return conv_precision() == ConvPrecision::bf16x3 ? 2 : 3; }

// fn.operator()<kParts>() for the parts that numbers are taken into.
template <class Fn>
void with_parts(Fn&& fn) {
  if (part_count() == 2) return fn.template operator()<2>();
  fn.template operator()<3>();
}
// fn.operator()<R, C>(): sides of a block of sums.
template <class Fn>
void with_sides(int rows, int columns, Fn&& fn) {
  if (rows > 1 && columns > 1) return fn.template operator()<2, 2>();
  if (rows > 1) return fn.template operator()<2, 1>();
  if (columns > 1) return fn.template operator()<1, 2>();
  fn.template operator()<1, 1>();
}

// fn.operator()<R, C, kParts>(row, column): all sums of `rows` x `columns` tiles, blocks of at most 2 x 2 of them.
template <class Fn>
void for_sums(int rows, int columns, Fn&& fn) {
  for (int column = 0; column < columns; column += 2)
    for (int row = 0; row < rows; row += 2)
      with_parts([&]<int kParts>() {
        with_sides(rows - row, columns - column,
                   [&]<int R, int C>() { fn.template operator()<R, C, kParts>(row, column); });
      });
}

// Tiles in a scratch of floats; three parts always fit.
constexpr std::size_t kTileFloats = sizeof(Tile) / sizeof(float);
std::size_t tile_floats(int count) { return z(3 * count) * kTileFloats; }
Tile* as_tiles(float* scratch) { return reinterpret_cast<Tile*>(scratch); }

// Weights as columns: tiles of 16 of them after another. transposed: the columns are input channels.
int weight_tiles(const Grouping& g, bool transposed) {
  return transposed ? sides(g.in) * depths(g.out) : sides(g.out) * depths(g.in);
}
void split_weights(const Grouping& g, const float* w, bool transposed, Tile* to) {
  const int depth = transposed ? g.out : g.in, parts = part_count();
  parallel_for(sides(transposed ? g.in : g.out), [&](int side) {
    Tile* tile = to + side * depths(depth) * parts;
    for (int first = 0; first < depth; first += kDepth, tile += parts) {
      alignas(64) float rows[kDepth][kSide] = {};
      pack_weight_block(g, w, transposed, {0, 0, first, std::min(kDepth, depth - first), side * kSide, kSide}, rows[0],
                        kSide);
      amx::split(rows[0], rows[kSide], kSide, parts, tile);
    }
  });
}

// 16 channels of a block: pixels that are missing are 0.
struct alignas(64) Pack {
  float pixel[kBlockPixels][kPack];
  void clear_from(int count) { std::fill_n(pixel[0] + count * kPack, (kBlockPixels - count) * kPack, 0.0f); }
};

// Packs of channels as they come, two at a time, to be rows or columns.
struct Pair {
  Pack low, high;
};

// load(pack, first channel): the block's pixels of 16 channels. use(depth, pair).
template <class Load, class Use>
void for_pairs(int channels, const Block& block, Load&& load, Use&& use) {
  Pair pair;
  pair.low.clear_from(block.count);
  pair.high.clear_from(block.count);
  for (int c = 0; c < channels; c += kDepth) {
    load(pair.low, c);
    if (c + kPack < channels)
      load(pair.high, c + kPack);
    else
      pair.high.clear_from(0);
    use(c / kDepth, pair);
  }
}

// Loads for for_pairs.
auto pixels_of(const Blocks& b, ConstView x, const InputTransform& t, const Block& block) {
  const float* const from = x.pixel(z(block.image) * z(b.pixels) + z(block.first));
  return [=, &t](Pack& to, int channel) {
    pack_run(t, {from, x.stride, block.count, channel, std::min(kPack, x.shape.channels - channel)}, to.pixel[0]);
  };
}
auto gradient_of(const Blocks& b, const Gradient& dy, const Block& block) {
  const std::size_t pixel = z(block.image) * z(b.pixels) + z(block.first);
  return [=, &dy](Pack& to, int channel) {
    const int channels = std::min(kPack, dy.shape().channels - channel);
    pack_gradient_run(dy, pixel, block.count, channel, channels, to.pixel[0]);
  };
}

// Pixels as rows of `depth` pairs of channels.
void split_rows(const Pair& pair, const Block& block, int depth, int index, Tile* to) {
  const int parts = part_count();
  for (int side = 0; side < sides(block.count); ++side)
    amx::split(pair.low.pixel[side * kSide], pair.high.pixel[side * kSide], kPack, parts,
               to + (side * depth + index) * parts);
}
// Channels as rows or columns, pixels as terms: transposed for rows.
void split_terms(const Pack& pack, bool transposed, Tile* to) {
  const int parts = part_count();
  for (int d = 0; d < kBlockDepths; ++d) {
    const float *const low = pack.pixel[d * kDepth], *const high = pack.pixel[d * kDepth + kSide];
    if (transposed)
      amx::split_transposed(low, high, kPack, parts, to + d * parts);
    else
      amx::split(low, high, kPack, parts, to + d * parts);
  }
}
// Both packs of a pair, of `channels` in all.
void split_pair_terms(const Pair& pair, int channels, int index, bool transposed, Tile* to) {
  const int size = kBlockDepths * part_count();
  split_terms(pair.low, transposed, to + 2 * index * size);
  if (2 * index + 1 < packs(channels)) split_terms(pair.high, transposed, to + (2 * index + 1) * size);
}

// Hands `pixels` rows of sums on, eight pixels at a time.
template <int V, class Sink>
void store_rows(const float* sums, int pixels, Sink sink) {
  const auto run = [&]<int P>() {
    for (; pixels >= P; pixels -= P, sums += P * 2 * kSide, sink.advance(P)) {
      simd::Vec rows[P][V];
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) rows[p][v] = simd::load(sums + (p * 2 + v) * kSide);
      sink.template store<P, V>(rows);
    }
  };
  run.template operator()<8>();
  run.template operator()<1>();
}

// y of a block: rows times weights. `e` is for backward_input.
void multiply_block(int channels, int depth, const Block& block, const Tile* rows, const Tile* weights, View y,
                    Write write, const BackwardEpilogue& e, Ahead& ahead) {
  const amx::Session session;
  const std::size_t pixel = z(block.image) * z(y.shape.height * y.shape.width) + z(block.first);
  alignas(64) float sums[2 * kSide][2 * kSide];
  for_sums(sides(block.count), sides(channels), [&]<int R, int C, int kParts>(int row, int column) {
    const int side = depths(depth) * kParts, first = row * kSide;
    amx::multiply<R, C, kParts, false>({rows + row * side, side, kParts}, {weights + column * side, side, kParts},
                                       depths(depth), sums[0], 2 * kSide, ahead);
    const int lanes = std::min(kSide, channels - (column + C - 1) * kSide);
    const GradientTarget target{e, y, write, block.image, pixel + z(first), 1, column * kSide, lanes};
    with_sink(e, y, write, target,
              [&](const auto& sink) { store_rows<C>(sums[0], std::min(R * kSide, block.count - first), sink); });
  });
}

void forward(const Conv2d& c, ConstView x, const InputTransform& t, const float* w, View y, const ForwardEpilogue& e,
             std::span<float> scratch) {
  const Grouping g(c);
  const Blocks blocks(c, y.shape);
  Scratch parts(scratch);
  Tile* const weights = as_tiles(parts.take(tile_floats(weight_tiles(g, false))));
  float* const packs = parts.take(0);
  split_weights(g, w, false, weights);
  for_blocks(blocks, e.moments != nullptr, [&](int index) {
    const Block block = block_at(blocks, index);
    const std::size_t size = tile_floats(sides(kBlockPixels) * depths(g.in));
    Tile* const rows = as_tiles(packs + z(omp_get_thread_num()) * size);
    for_pairs(g.in, block, pixels_of(blocks, x, t, block),
              [&](int k, const Pair& pair) { split_rows(pair, block, depths(g.in), k, rows); });
    Ahead ahead;
    add_block(ahead, blocks, x, index + 1);
    multiply_block(g.out, g.in, block, rows, weights, y, in_place(e, y) ? Write::add : Write::overwrite, {}, ahead);
    finish_forward(e, y, {block.image, block.first, block.count, 0, g.out});
  });
}

void backward_input_of(const Conv2d& c, const Gradient& dy, const float* w, View dx, Write write,
                       const BackwardEpilogue& e, std::span<float> scratch) {
  const Grouping g(c);
  const Blocks blocks(c, dy.shape());
  Scratch parts(scratch);
  Tile* const weights = as_tiles(parts.take(tile_floats(weight_tiles(g, true))));
  float* const packs = parts.take(0);
  split_weights(g, w, true, weights);
  for_blocks(blocks, takes_sums(e), [&](int index) {
    const Block block = block_at(blocks, index);
    const std::size_t size = tile_floats(sides(kBlockPixels) * depths(g.out));
    Tile* const rows = as_tiles(packs + z(omp_get_thread_num()) * size);
    for_pairs(g.out, block, gradient_of(blocks, dy, block),
              [&](int k, const Pair& pair) { split_rows(pair, block, depths(g.out), k, rows); });
    if (block.first == 0) clear_sums(e, dx.shape, block.image);
    Ahead ahead;
    add_gradient_block(ahead, blocks, dy, dx, e, index + 1);
    multiply_block(g.in, g.out, block, rows, weights, dx, write, e, ahead);
  });
}
void backward_input(const Conv2d& c, ConstView dy, const float* w, View dx, Write write, const BackwardEpilogue& e,
                    std::span<float> scratch) {
  backward_input_of(c, dy, w, dx, write, e, scratch);
}

// dw of a block: rows are input channels, `channels` columns; rows of dw are `stride` floats apart, whole tiles of them.
void correlate_block(int in, int channels, const Tile* rows, const Tile* columns, float* dw, std::ptrdiff_t stride,
                     Ahead& ahead) {
  const amx::Session session;
  for_sums(sides(in), sides(channels), [&]<int R, int C, int kParts>(int row, int column) {
    constexpr int kSize = kBlockDepths * kParts;
    amx::multiply<R, C, kParts, true>({rows + row * kSize, kSize, kParts}, {columns + column * kSize, kSize, kParts},
                                      kBlockDepths, dw + row * kSide * stride + column * kSide, stride, ahead);
  });
}

// A range of blocks adds to one copy of dw; or, where copies would be large, some output channels of all blocks do.
constexpr int kTaskChannels = 256;
std::ptrdiff_t gradient_stride(const Grouping& g) { return sides(g.out) * kSide; }
std::size_t gradient_floats(const Grouping& g) { return z(sides(g.in) * kSide) * z(sides(g.out) * kSide); }
std::size_t term_floats(int channels) { return tile_floats(sides(channels) * kBlockDepths); }

void backward_weights_of(const Conv2d& c, ConstView x, const InputTransform& t, const Gradient& dy, float* dw,
                         std::span<float> scratch) {
  const Grouping g(c);
  const Blocks blocks(c, dy.shape());
  const int slice = is_large(g) ? kTaskChannels : g.out, slices = ceil_div(g.out, slice);
  const int chunks = is_large(g) ? 1 : std::min(kWeightGradientChunks, blocks.total());
  const std::size_t size = gradient_floats(g);
  Scratch parts(scratch);
  float* const partials = parts.take(z(chunks) * size);
  float* const packs = parts.take(0);
  parallel_for(chunks * slices, [&](int task) {
    const int chunk = task / slices, first = task % slices * slice, channels = std::min(slice, g.out - first);
    float* const partial = partials + z(chunk) * size + first;
    for (int row = 0; row < sides(g.in) * kSide; ++row)
      std::fill_n(partial + row * gradient_stride(g), sides(channels) * kSide, 0.0f);
    float* const own = packs + z(omp_get_thread_num()) * (term_floats(g.in) + term_floats(slice));
    Tile *const rows = as_tiles(own), *const columns = as_tiles(own + term_floats(g.in));
    for (int i = chunk * blocks.total() / chunks; i < (chunk + 1) * blocks.total() / chunks; ++i) {
      const Block block = block_at(blocks, i);
      for_pairs(g.in, block, pixels_of(blocks, x, t, block),
                [&](int k, const Pair& pair) { split_pair_terms(pair, g.in, k, true, rows); });
      const auto load = gradient_of(blocks, dy, block);
      for_pairs(
          channels, block, [&](Pack& to, int channel) { load(to, first + channel); },
          [&](int k, const Pair& pair) { split_pair_terms(pair, channels, k, false, columns); });
      Ahead ahead;
      if (!is_large(g)) add_block(ahead, blocks, dy.g, i + 1);
      add_block(ahead, blocks, x, i + 1);
      correlate_block(g.in, channels, rows, columns, partial, gradient_stride(g), ahead);
    }
  });
  add_weight_chunks(g, partials, chunks, size, dw);
}
void backward_weights(const Conv2d& c, ConstView x, const InputTransform& t, ConstView dy, float* dw,
                      std::span<float> scratch) {
  backward_weights_of(c, x, t, dy, dw, scratch);
}

// Both gradients from one load. A chunk is a range of images, so that an epilogue's sums stay in one thread.
void backward_together(const Conv2d& c, ConstView x, const InputTransform& t, const Gradient& dy, const float* w,
                       View dx, Write write, const BackwardEpilogue& e, float* dw, std::span<float> scratch) {
  const Grouping g(c);
  const Blocks blocks(c, dy.shape());
  const int images = blocks.images, chunks = std::min(kWeightGradientChunks, images);
  const std::size_t size = gradient_floats(g), row_floats = tile_floats(sides(kBlockPixels) * depths(g.out));
  Scratch parts(scratch);
  Tile* const weights = as_tiles(parts.take(tile_floats(weight_tiles(g, true))));
  float* const partials = parts.take(kWeightGradientChunks * size);
  float* const packs = parts.take(0);
  split_weights(g, w, true, weights);
  parallel_for(chunks, [&](int chunk) {
    float* const partial = partials + z(chunk) * size;
    std::fill_n(partial, size, 0.0f);
    float* const own = packs + z(omp_get_thread_num()) * (term_floats(g.in) + term_floats(g.out) + row_floats);
    Tile *const x_terms = as_tiles(own), *const dy_terms = as_tiles(own + term_floats(g.in));
    Tile* const dy_rows = as_tiles(own + term_floats(g.in) + term_floats(g.out));
    const int end = (chunk + 1) * images / chunks * blocks.per_image;
    for (int i = chunk * images / chunks * blocks.per_image; i < end; ++i) {
      const Block block = block_at(blocks, i);
      for_pairs(g.in, block, pixels_of(blocks, x, t, block),
                [&](int k, const Pair& pair) { split_pair_terms(pair, g.in, k, true, x_terms); });
      for_pairs(g.out, block, gradient_of(blocks, dy, block), [&](int k, const Pair& pair) {
        split_pair_terms(pair, g.out, k, false, dy_terms);
        split_rows(pair, block, depths(g.out), k, dy_rows);
      });
      Ahead ahead;
      add_gradient_block(ahead, blocks, dy, dx, e, i + 1);
      if (empty(e) || e.x.data != x.data) add_block(ahead, blocks, x, i + 1);
      correlate_block(g.in, g.out, x_terms, dy_terms, partial, gradient_stride(g), ahead);
      if (block.first == 0) clear_sums(e, dx.shape, block.image);
      multiply_block(g.in, g.out, block, dy_rows, weights, dx, write, e, ahead);
    }
  });
  add_weight_chunks(g, partials, chunks, size, dw);
}

// Weight gradients first: x may be the value whose gradient an epilogue finishes, but dx is never read for them.
void backward(const Conv2d& c, ConstView x, const InputTransform& t, const Gradient& dy, const float* w, View dx,
              Write write, const BackwardEpilogue& e, float* dw, std::span<float> scratch) {
  if (!is_large(Grouping(c))) return backward_together(c, x, t, dy, w, dx, write, e, dw, scratch);
  backward_weights_of(c, x, t, dy, dw, scratch);
  backward_input_of(c, dy, w, dx, write, e, scratch);
}

std::size_t scratch_floats(const Conv2d& c, const Shape&, ConvProduct product, int threads) {
  const Grouping g(c);
  const bool transposed = product == ConvProduct::backward_input;
  if (product == ConvProduct::backward_weights)
    return (is_large(g) ? 1 : kWeightGradientChunks) * gradient_floats(g) +
           z(threads) * (term_floats(g.in) + term_floats(is_large(g) ? kTaskChannels : g.out));
  return tile_floats(weight_tiles(g, transposed)) +
         z(threads) * tile_floats(sides(kBlockPixels) * depths(transposed ? g.out : g.in));
}

std::size_t backward_scratch(const Conv2d& c, const Shape& x, int threads) {
  const std::size_t input = scratch_floats(c, x, ConvProduct::backward_input, threads);
  const std::size_t weights = scratch_floats(c, x, ConvProduct::backward_weights, threads);
  return is_large(Grouping(c)) ? std::max(input, weights) : input + weights;
}

std::string tile(const Conv2d&, const Shape&, ConvProduct product) {
  return "block of " + std::to_string(kBlockPixels) + " px, 32" +
         (product == ConvProduct::backward_weights ? "ch" : "px") + " x 32ch, " + std::to_string(part_count()) +
         " parts";
}

#endif

}  // namespace

#if FANIN_AMX
const ConvCandidate conv_amx = {.name = "amx",
                                .fits = fits,
                                .tile = tile,
                                .scratch = scratch_floats,
                                .forward = forward,
                                .backward_input = backward_input,
                                .backward_weights = backward_weights,
                                .backward_scratch = backward_scratch,
                                .backward = backward,
                                .loads_gradient = true,
                                .admitted = admitted,
                                .when = kWhen};
#else
// The compiler was not given the unit: fits nothing.
const ConvCandidate conv_amx = {.name = "amx",
                                .fits = fits,
                                .tile = nullptr,
                                .scratch = nullptr,
                                .forward = nullptr,
                                .backward_input = nullptr,
                                .backward_weights = nullptr,
                                .admitted = admitted,
                                .when = kWhen};
#endif

}  // namespace fanin
