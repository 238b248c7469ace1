// 1x1 convolution with seven products instead of eight. The pixels of a block and the channels on both sides are
// halved; the matrix product of these 2 x 2 parts is Strassen's, with Winograd's fifteen additions (Higham, Accuracy
// and Stability of Numerical Algorithms, 2nd edition, section 23.1):
//   s1 = a21 + a22    t1 = b12 - b11    m1 = a11 b11    m5 = s1 t1      u2 = m1 + m6    c11 = m1 + m2    c21 = u3 - m4
//   s2 = s1 - a11     t2 = b22 - t1     m2 = a12 b21    m6 = s2 t2      u3 = u2 + m7    c12 = u4 + m3    c22 = u3 + m5
//   s3 = a11 - a21    t3 = b22 - b12    m3 = s4 b22     m7 = s3 t3      u4 = u2 + m5
//   s4 = a12 - s2     t4 = t2 - b21     m4 = a22 t4
//   Fits     1x1 without padding and groups, stride 1 or 2; whole blocks of 128 pixels; from 64 channels on, multiples
//            of 32. Gradients of up to 512 x 512 weights: of more, sums of seven products are too many for the caches.
//   Layout   a block as in pointwise, then s1 to s4, added up while their pack of channels is in the L1 cache. Weights:
//            [panel][b11, b21, t2, t3, -t4, t1, b22][input channel][vectors], in the order of use.
//   Tile     a panel over half a block. Sums of products cost nothing: the tile begins with what is there. With halves
//            of 32 pixels, which 8 x 8 images would need, there was no gain: each weight is loaded for too few pixels.
//   Threads  as in pointwise, with private copies of the sums of products. No rounding depends on other images.
//   Errors   two to three times those of a plain sum (README.md), hence not with --conv exact.
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
using micro::kLanes;
using micro::kPack;
using micro::packs;
using micro::Panels;
using micro::z;
using simd::Vec;

constexpr int kProducts = 7;
constexpr int kHalf = kBlockPixels;  // pixels
constexpr std::ptrdiff_t kPackStride = 2 * kHalf * kPack;
constexpr int kFewest = 64;  // channels on either side
constexpr int kLargestGradient = 512 * 512;

bool halves_well(int channels) { return channels >= kFewest && channels % (2 * kPack) == 0; }

bool fits(const Conv2d& c, const Shape& x, ConvProduct product) {
  if (c.kernel != 1 || c.padding != 0 || c.groups != 1 || c.stride > 2) return false;
  const Shape y = c.output_shape(x);
  return y.height * y.width % (2 * kHalf) == 0 && halves_well(c.in_channels) && halves_well(c.out_channels) &&
         (product == ConvProduct::forward || c.in_channels * c.out_channels <= kLargestGradient);
}

Blocks blocks_of(const Conv2d& c, const Shape& y) { return {c, y, 2 * kHalf}; }

// Half the channels on both sides.
struct Halves {
  int in, out;
  explicit Halves(const Conv2d& c) : in(c.in_channels / 2), out(c.out_channels / 2) {}
  std::size_t weights() const { return kProducts * z(in) * z(out); }  // of all products, or sums of their gradients
};

// The parts of a packed block, two by two beside each other: quarters, named by their halves of the pixels and of the
// channels, and sums of them.
enum Part { p0c0, p1c0, p0c1, p1c1, s1, s2, s3, s4 };

std::ptrdiff_t offset(Part part, int half_channels) {
  return part / 2 * packs(half_channels) * kPackStride + part % 2 * kHalf * kPack;
}
std::size_t packed_floats(int half_channels) { return z(4 * packs(half_channels)) * z(kPackStride); }

// Which quarter is what in the left factor of a product.
struct Quarters {
  Part a11, a12, a21, a22;
};
constexpr Quarters kPixelRows{p1c1, p1c0, p0c1, p0c0};    // rows of the matrix are pixels, columns are channels
constexpr Quarters kChannelRows{p0c0, p1c0, p0c1, p1c1};  // of the transposed one

// s1 to s4 of one pack of channels; `pack` is where that of the first half lies.
void add_up(const Quarters& q, int half_channels, float* pack) {
  const auto at = [&](Part part) { return pack + offset(part, half_channels); };
  const float *const a11 = at(q.a11), *const a12 = at(q.a12), *const a21 = at(q.a21), *const a22 = at(q.a22);
  float *const to1 = at(s1), *const to2 = at(s2), *const to3 = at(s3), *const to4 = at(s4);
  for (int i = 0; i < kHalf * kPack; i += kLanes) {
    const Vec v11 = simd::load(a11 + i), v21 = simd::load(a21 + i);
    const Vec sum1 = simd::plus(v21, simd::load(a22 + i)), sum2 = simd::minus(sum1, v11);
    simd::store(sum1, to1 + i);
    simd::store(sum2, to2 + i);
    simd::store(simd::minus(v11, v21), to3 + i);
    simd::store(simd::minus(simd::load(a12 + i), sum2), to4 + i);
  }
}

// All parts, a pack of either half at a time: pack(first channel, where to).
template <class Pack>
void pack_parts(const Quarters& q, int half_channels, float* to, const Pack& pack) {
  for (int c = 0; c < half_channels; c += kPack, to += kPackStride) {
    pack(c, to);
    pack(half_channels + c, to + offset(p0c1, half_channels));
    add_up(q, half_channels, to);
  }
}

void pack_input(const Blocks& b, ConstView x, const InputTransform& t, const Block& block, const Quarters& q, float* to,
                bool streamed = false) {
  const bool joined = t.joined != nullptr;
  if (joined) pack_block(b, x, t, block, to, streamed);
  pack_parts(q, x.shape.channels / 2, to, [&](int first, float* pack) {
    if (!joined) pack_channels(b, x, t, block, first, pack);
  });
}

void pack_gradient(const Gradient& dy, const Block& block, float* to) {
  pack_parts(kPixelRows, dy.shape().channels / 2, to,
             [&](int first, float* pack) { pack_gradient_channels(dy, block, first, pack); });
}

// The seven right factors; transposed: those that lead from y to x.
void pack_weights(const Conv2d& c, const float* w, bool transposed, float* to) {
  const Halves h(c);
  Conv2d half = c;
  half.in_channels = h.in, half.out_channels = h.out;
  Grouping quarter(half);
  quarter.out_channels = c.out_channels;  // the distance of rows
  const Panels panels{transposed ? h.in : h.out};
  const int depth = transposed ? h.out : h.in;
  parallel_for(panels.count() * packs(depth), [&](int index) {
    const int panel = index / packs(depth), row = index % packs(depth) * kPack, columns = panels.width(panel) * kLanes;
    float* const first = to + z(kProducts * depth) * z(panels.first_channel(panel)) + z(row * columns);
    const auto at = [&](int factor) { return first + z(factor) * z(depth * columns); };
    // Rows of b, like columns of kPixelRows: the second half of the channels comes first.
    const auto pack = [&](int row_half, int column_half, float* b) {
      const int in = transposed ? column_half : 1 - row_half, out = transposed ? 1 - row_half : column_half;
      pack_weight_block(quarter, w + z(in * h.in) * z(c.out_channels) + z(out * h.out), transposed,
                        {0, 0, row, kPack, panels.first_channel(panel), columns}, b, columns);
    };
    float *const b11 = at(0), *const b21 = at(1), *const t2 = at(2), *const t3 = at(3), *const minus_t4 = at(4);
    float *const t1 = at(5), *const b12 = t1, *const b22 = at(6);
    pack(0, 0, b11);
    pack(0, 1, b12);
    pack(1, 0, b21);
    pack(1, 1, b22);
    for (int i = 0; i < kPack * columns; i += kLanes) {
      const Vec v12 = simd::load(b12 + i), v22 = simd::load(b22 + i);
      const Vec difference1 = simd::minus(v12, simd::load(b11 + i)), difference2 = simd::minus(v22, difference1);
      simd::store(difference1, t1 + i);
      simd::store(difference2, t2 + i);
      simd::store(simd::minus(v22, v12), t3 + i);
      simd::store(simd::minus(simd::load(b21 + i), difference2), minus_t4 + i);
    }
  });
}

// A product that belongs to two sums: it is added to `sum`, and goes on to the sink with `other`. Both lie pixel by
// pixel.
template <int V, class Sink>
struct TwoSums {
  float* sum;
  const float* other;
  Sink sink;

  void advance(int pixels) {
    sum += pixels * V * kLanes;
    other += pixels * V * kLanes;
    sink.advance(pixels);
  }

  template <int P, int>
  [[gnu::always_inline]] void store(const Vec (&product)[P][V]) const {
    Vec total[P][V];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) {
        const int i = (p * V + v) * kLanes;
        simd::store(simd::plus(simd::load(sum + i), product[p][v]), sum + i);
        total[p][v] = simd::plus(simd::load(other + i), product[p][v]);
      }
    sink.template store<P, V>(total);
  }
};

int multiply_steps(int half_channels, int depth) {
  return kProducts * micro::multiply_steps({half_channels}, kHalf, depth);
}

// The products of a packed block, all panels; channels a half, of what comes out (`half_channels`) and of what is
// summed over (`depth`).
void multiply_block(int half_channels, int depth, const Block& block, const float* packed, const float* weights,
                    const Destination& to, Ahead& ahead) {
  const Panels panels{half_channels};
  const micro::Depth d{kNoOffset, 1, depth, kPackStride};
  for (int panel = 0; panel < panels.count(); ++panel)
    micro::with_width(panels.width(panel), [&]<int V>() {
      const int first = panels.first_channel(panel);
      const float* w = weights + z(kProducts * depth) * z(first);
      alignas(64) float u[kHalf * V * kLanes], u3[kHalf * V * kLanes], spare[kHalf * V * kLanes];
      // The next right factor times a part, and `begun`.
      const auto multiply = [&](Part part, const float* begun, const auto& sink) {
        micro::multiply_deep<V>(kHalf, d, packed + offset(part, depth), w, sink, spare, ahead, begun);
        w += depth * V * kLanes;
      };
      const auto into = [](float* sums) { return micro::Target{sums, V * kLanes, kLanes, false}; };
      const auto result = [&](int pixels, int channels, const auto& last) {
        deliver<V>(to, {block.image, block.first + pixels * kHalf, kHalf}, channels * half_channels + first, kLanes,
                   spare, last);
      };
      multiply(p1c1, nullptr, into(u));                                   // m1
      result(1, 0, [&](const auto& sink) { multiply(p1c0, u, sink); });   // c11 = m1 + m2
      multiply(s2, u, into(u));                                           // u2 = m1 + m6
      multiply(s3, u, into(u3));                                          // u3 = u2 + m7
      result(0, 0, [&](const auto& sink) { multiply(p0c0, u3, sink); });  // c21 = u3 - m4
      result(0, 1, [&]<class Sink>(const Sink& sink) {                    // u4 = u2 + m5, c22 = u3 + m5
        multiply(s1, nullptr, TwoSums<V, Sink>{u, u3, sink});
      });
      result(1, 1, [&](const auto& sink) { multiply(s4, u, sink); });  // c12 = u4 + m3
    });
}

void forward(const Conv2d& c, ConstView x, const InputTransform& t, const float* w, View y, const ForwardEpilogue& e,
             std::span<float> scratch) {
  const Halves h(c);
  const Blocks blocks = blocks_of(c, y.shape);
  Scratch parts(scratch);
  float* const weights = parts.take(h.weights());
  float* const packed_blocks = parts.take(0);
  pack_weights(c, w, false, weights);
  const Write write = in_place(e, y) ? Write::add : Write::overwrite;
  const BackwardEpilogue nothing;
  const bool streamed = t.joined != nullptr && may_stream(t.joined->x);
  for_blocks(blocks, e.moments != nullptr, [&](int index) {
    const Block block = block_at(blocks, index);
    float* const packed = packed_blocks + z(omp_get_thread_num()) * packed_floats(h.in);
    pack_input(blocks, x, t, block, kPixelRows, packed, streamed);
    Ahead ahead(multiply_steps(h.out, h.in));
    if (!in_place(e, y)) add_block(ahead, blocks, e.add, index + 1);
    add_block(ahead, blocks, y, index + 1);
    add_input_block(ahead, blocks, x, t, !streamed, index + 1);
    multiply_block(h.out, h.in, block, packed, weights, {y, write, nothing}, ahead);
    finish_forward(e, y, {block.image, block.first, block.count, 0, c.out_channels});
  });
}

void backward_input(const Conv2d& c, ConstView dy, const float* w, View dx, Write write, const BackwardEpilogue& e,
                    std::span<float> scratch) {
  const Halves h(c);
  const Blocks blocks = blocks_of(c, dy.shape);
  Scratch parts(scratch);
  float* const weights = parts.take(h.weights());
  float* const packed_blocks = parts.take(0);
  pack_weights(c, w, true, weights);
  for_blocks(blocks, takes_sums(e), [&](int index) {
    const Block block = block_at(blocks, index);
    float* const packed = packed_blocks + z(omp_get_thread_num()) * packed_floats(h.out);
    pack_gradient(dy, block, packed);
    if (block.first == 0) clear_sums(e, dx.shape, block.image);
    Ahead ahead(multiply_steps(h.in, h.out));
    add_gradient_block(ahead, blocks, dy, dx, e, index + 1);
    multiply_block(h.in, h.out, block, packed, weights, {dx, write, e, c.stride, blocks.width}, ahead);
  });
}

// Of dw = x^T dy, with kChannelRows of x. dy is packed as a left factor, for dx; as a right factor its quarters are b11
// = p0c0, b12 = p0c1, b21 = p1c0 and b22 = p1c1. Change the signs of b11 and b21: then t1, -t2, t3, t4 are the s1 to s4
// that are there, m1, m2 and m6 have the other sign, and so have c11 and c21. Here are the parts that m1 to m7
// multiply, the other sign left out.
struct Factors {
  Part x, dy;
};
constexpr Factors kFactors[kProducts] = {{p0c0, p0c0}, {p1c0, p1c0}, {s4, p1c1}, {p1c1, s4},
                                         {s1, s1},     {s2, s2},     {s3, s3}};

// Their sums over blocks: [product][panel][input channel][vectors].
float* sums_of(const Halves& h, float* sums, int product, int panel) {
  return sums + z(product * h.in) * z(h.out) + z(h.in * Panels{h.out}.first_channel(panel));
}

int correlate_steps(const Halves& h) { return kProducts * micro::correlate_steps({h.out}, kHalf, h.in); }

// The products of a packed block, added to `sums` if `add`.
void correlate_block(const Halves& h, const float* x, const float* dy, float* sums, bool add, Ahead& ahead) {
  const Panels panels{h.out};
  for (int product = 0; product < kProducts; ++product)
    for (int panel = 0; panel < panels.count(); ++panel)
      micro::with_width(panels.width(panel), [&]<int V>() {
        const micro::Pixels pixels{1, kHalf, 0, 0, kPack, kPackStride, panels.first_vector(panel)};
        micro::correlate_rows<V, 1>(pixels, h.in, x + offset(kFactors[product].x, h.in), kPackStride,
                                    dy + offset(kFactors[product].dy, h.out),
                                    {sums_of(h, sums, product, panel), V * kLanes, add}, ahead);
      });
}

// dw += what the sums of all chunks, one after the other, come to.
void add_products(const Halves& h, float* partials, int chunks, float* dw) {
  const Panels panels{h.out};
  parallel_for(panels.count() * packs(h.in), [&](int index) {
    const int panel = index / packs(h.in), first = index % packs(h.in) * kPack, columns = panels.width(panel) * kLanes;
    for (int i = 0; i < kPack * columns; i += kLanes) {
      const int row = first + i / columns, column = panels.first_channel(panel) + i % columns;
      Vec m[kProducts];
      for (int product = 0; product < kProducts; ++product) {
        const float* from = sums_of(h, partials, product, panel) + first * columns + i;
        m[product] = simd::load(from);
        for (int chunk = 1; chunk < chunks; ++chunk)
          m[product] = simd::plus(m[product], simd::load(from += h.weights()));
      }
      const auto add = [&](int in, int out, Vec sum) {
        float* const to = dw + z(in * h.in + row) * z(2 * h.out) + z(out * h.out + column);
        simd::store(simd::plus(simd::load(to), sum), to);
      };
      const Vec minus_u2 = simd::plus(m[0], m[5]), u3 = simd::minus(m[6], minus_u2), u4 = simd::minus(m[4], minus_u2);
      add(0, 0, simd::plus(m[0], m[1]));  // -c11
      add(0, 1, simd::plus(u4, m[2]));    // c12
      add(1, 0, simd::minus(m[3], u3));   // -c21
      add(1, 1, simd::plus(u3, m[4]));    // c22
    }
  });
}

// Both gradients from one load, or that of the weights alone if dx has no data. A chunk is a range of images, so that
// an epilogue's sums stay in one thread.
void backward(const Conv2d& c, ConstView x, const InputTransform& t, const Gradient& dy, const float* w, View dx,
              Write write, const BackwardEpilogue& e, float* dw, std::span<float> scratch) {
  const Halves h(c);
  const Blocks blocks = blocks_of(c, dy.shape());
  const int images = blocks.images, chunks = std::min(kWeightGradientChunks, images);
  Scratch parts(scratch);
  float* const weights = parts.take(h.weights());
  float* const partials = parts.take(kWeightGradientChunks * h.weights());
  float* const packed_blocks = parts.take(0);
  if (dx.data != nullptr) pack_weights(c, w, true, weights);
  parallel_for(chunks, [&](int chunk) {
    float* const partial = partials + z(chunk) * h.weights();
    float* const packed_x = packed_blocks + z(omp_get_thread_num()) * (packed_floats(h.in) + packed_floats(h.out));
    float* const packed_dy = packed_x + packed_floats(h.in);
    const int first = chunk * images / chunks * blocks.per_image;
    for (int i = first; i < (chunk + 1) * images / chunks * blocks.per_image; ++i) {
      const Block block = block_at(blocks, i);
      pack_input(blocks, x, t, block, kChannelRows, packed_x);
      pack_gradient(dy, block, packed_dy);
      Ahead ahead(correlate_steps(h) + (dx.data != nullptr ? multiply_steps(h.in, h.out) : 0));
      add_gradient_block(ahead, blocks, dy, dx, e, i + 1);
      add_input_block(ahead, blocks, x, t, !reads(e, x), i + 1);
      correlate_block(h, packed_x, packed_dy, partial, i > first, ahead);
      if (dx.data == nullptr) continue;
      if (block.first == 0) clear_sums(e, dx.shape, block.image);
      multiply_block(h.in, h.out, block, packed_dy, weights, {dx, write, e, c.stride, blocks.width}, ahead);
    }
  });
  add_products(h, partials, chunks, dw);
}

void backward_weights(const Conv2d& c, ConstView x, const InputTransform& t, ConstView dy, float* dw,
                      std::span<float> scratch) {
  backward(c, x, t, dy, nullptr, {}, Write::overwrite, {}, dw, scratch);
}

std::size_t backward_scratch(const Conv2d& c, const Shape&, int threads) {
  const Halves h(c);
  return (1 + kWeightGradientChunks) * h.weights() + z(threads) * (packed_floats(h.in) + packed_floats(h.out));
}

std::size_t scratch_floats(const Conv2d& c, const Shape& x, ConvProduct product, int threads) {
  const Halves h(c);
  if (product == ConvProduct::backward_weights) return backward_scratch(c, x, threads);
  return h.weights() + z(threads) * packed_floats(product == ConvProduct::forward ? h.in : h.out);
}

std::string tile(const Conv2d& c, const Shape&, ConvProduct product) {
  Conv2d half = c;
  half.in_channels /= 2, half.out_channels /= 2;
  return "half a block of " + std::to_string(2 * kHalf) + " px, " + register_tile(half, product);
}

}  // namespace

const ConvCandidate conv_strassen = {.name = "strassen",
                                     .fits = fits,
                                     .tile = tile,
                                     .scratch = scratch_floats,
                                     .forward = forward,
                                     .backward_input = backward_input,
                                     .backward_weights = backward_weights,
                                     .backward_scratch = backward_scratch,
                                     .backward = backward,
                                     .loads_gradient = true,
                                     .joins_input = true,
                                     .admitted = [](ConvPrecision p) { return p != ConvPrecision::exact; },
                                     .when = "not with --conv exact"};

}  // namespace fanin
