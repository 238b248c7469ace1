// The two register tiles that every fast rung is made of.
//   multiply    Y[P pixels x V vectors] = sum over taps and input channels of X * W.
//   correlate   dW[K input channels x V vectors] += sum over pixels of X * dY.
// X is always packed: kPack channels of a pixel lie together, pixels are a compile-time distance apart. So the
// addresses of a tile are one pointer and constants, and each step is V vector loads and P (or K) broadcasts for P * V
// fused multiply-adds.
//   Registers: 32 vectors with AVX-512 give tiles of 6 x 4, 8 x 3, 8 x 2 and 16 x 1; 16 vectors (AVX2, SSE) give half of
//   it. Wide tiles load least for each multiply-add: 0.42 for 6 x 4, 0.63 for 8 x 2 (README.md says what that gains).
//   Beware: a loop over accumulators that is not unrolled puts all of them into memory (128 instead of 254 GFLOP/s),
//   hence a pragma at each.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/ahead.h"
#include "core/kernels/simd.h"

#include <algorithm>

namespace fanin::micro {

using simd::kLanes;
using simd::Vec;

constexpr int kPack = 16;                      // channels of a packed pixel: one cache line
constexpr int kWidest = kLanes == 16 ? 4 : 3;  // vectors of a panel, at most
// Pixels of a tile of so many vectors, or input channels of one for weight gradients.
constexpr int tile_height(int vectors) {
  if (vectors == 4) return 6;
  return (vectors == 1 ? 16 : 8) / (kLanes == 16 ? 1 : 2);
}

inline int ceil_div(int a, int b) { return (a + b - 1) / b; }
inline std::size_t z(int n) { return static_cast<std::size_t>(n); }
inline int packs(int channels) { return ceil_div(channels, kPack); }

// The output channels of a tile: as few panels of vectors as possible, equally wide but for one vector, the wider ones
// first: 5 vectors are 3 + 2, since a single one costs a broadcast for each multiply-add.
struct Panels {
  int channels;
  int vectors() const { return ceil_div(channels, kLanes); }
  int padded() const { return vectors() * kLanes; }
  int count() const { return ceil_div(vectors(), kWidest); }
  int wider() const { return vectors() % count(); }  // panels with one vector more than the last
  int width(int panel) const { return vectors() / count() + (panel < wider() ? 1 : 0); }
  int first_vector(int panel) const { return panel * (vectors() / count()) + std::min(panel, wider()); }
  int panel_of(int vector) const {  // count() if there is no such vector
    const int narrow = vectors() / count(), of_wider = wider() * (narrow + 1);
    return vector < of_wider ? vector / (narrow + 1) : std::min(count(), wider() + (vector - of_wider) / narrow);
  }
  int first_channel(int panel) const { return first_vector(panel) * kLanes; }
  int last_lanes(int panel) const {  // channels in the panel's last vector
    return std::min(kLanes, channels - (first_vector(panel) + width(panel) - 1) * kLanes);
  }
  // Of panels [first, end): how many vectors, and the channel after the last.
  int vectors(int first, int end) const { return first_vector(end) - first_vector(first); }
  int end_channel(int end) const { return std::min(channels, first_channel(end)); }
};

// fn.operator()<V>() for the vectors of a panel.
template <class Fn>
void with_width(int vectors, Fn&& fn) {
  if (vectors == 1) return fn.template operator()<1>();
  if (vectors == 2) return fn.template operator()<2>();
  if (vectors == 3) return fn.template operator()<3>();
  if constexpr (kWidest == 4) return fn.template operator()<4>();
}

// What a tile sums over: `taps` places of the packed input, `depth` channels at each. Weights lie in the same order.
struct Depth {
  const std::ptrdiff_t* tap_offsets;
  int taps;
  int depth;
  std::ptrdiff_t pack_stride;  // floats from a pack of channels to the next
};

// Where a tile goes: pixels `stride` floats apart; the last vector has `last_lanes` channels.
struct Target {
  float* y;
  std::ptrdiff_t stride;
  int last_lanes;
  bool add;

  void advance(int pixels) { y += pixels * stride; }

  template <int P, int V>
  [[gnu::always_inline]] void store(const Vec (&sum)[P][V]) const {
    const Target own = *this;  // a copy: what is stored could be *this, for all that the compiler knows
    if (last_lanes == kLanes) return add ? own.put<true, false>(sum) : own.put<false, false>(sum);
    return add ? own.put<true, true>(sum) : own.put<false, true>(sum);
  }

 private:
  template <bool kAdd, bool kPart, int P, int V>
  [[gnu::always_inline]] void put(const Vec (&sum)[P][V]) const {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) {
        float* to = y + p * stride + v * kLanes;
        if (kPart && v + 1 == V)
          simd::store_n(kAdd ? simd::plus(simd::load_n(to, last_lanes), sum[p][v]) : sum[p][v], to, last_lanes);
        else
          simd::store(kAdd ? simd::plus(simd::load(to), sum[p][v]) : sum[p][v], to);
      }
  }
};

// `x` is the tile's first pixel, pixels are XS packed pixels apart. Sink: a Target, or what does more with the result.
// Next: an Ahead, or NothingAhead. `begun`: the sums so far, pixel by pixel; null: 0.
template <int P, int V, int XS, class Sink, class Next = const NothingAhead>
void multiply(const Depth& d, const float* x, const float* w, const Sink& sink, Next& next = kNothingAhead,
              const float* begun = nullptr) {
  Vec sum[P][V];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sum[p][v] = begun == nullptr ? simd::zero() : simd::load(begun + (p * V + v) * kLanes);
  for (int tap = 0; tap < d.taps; ++tap) {
    const float* from = x + d.tap_offsets[tap];
    for (int first = 0; first < d.depth; first += kPack, from += d.pack_stride) {
      next.step();
      const auto add = [&](int k) __attribute__((always_inline)) {
        Vec column[V];
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) column[v] = simd::load(w + v * kLanes);
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p) {
          const Vec value = simd::broadcast(from[p * XS * kPack + k]);
#pragma GCC unroll 16
          for (int v = 0; v < V; ++v) sum[p][v] = simd::fma(value, column[v], sum[p][v]);
        }
        w += V * kLanes;
      };
      if (d.depth - first >= kPack)
#pragma GCC unroll 16
        for (int k = 0; k < kPack; ++k) add(k);
      else
        for (int k = 0; k < d.depth - first; ++k) add(k);
    }
  }
  sink.template store<P, V>(sum);
}

// `pixels` pixels in a row; the last eight as 4 + 4 rather than 6 + 2.
template <int V, int XS, class Sink = Target, class Next = const NothingAhead>
void multiply_row(int pixels, const Depth& d, const float* x, const float* w, Sink sink, Next& next = kNothingAhead,
                  const float* begun = nullptr) {
  constexpr int P = tile_height(V), kHalf = P == 6 ? 4 : P / 2;
  int p = 0;
  const auto run = [&]<int N>() {
    for (; p + N <= pixels && (N != 6 || p + 8 != pixels); p += N, x += N * XS * kPack, sink.advance(N))
      multiply<N, V, XS>(d, x, w, sink, next, begun == nullptr ? nullptr : begun + p * V * kLanes);
  };
  run.template operator()<P>();
  run.template operator()<kHalf>();
  run.template operator()<1>();
}

// The same for one tap and any depth, as many channels at a time as have their weights in the L1 cache for all pixels;
// the sums so far wait in `sums` (pixels x V vectors), which may be where the sink leaves them. The bits are the same.
// `begun`: what the sums begin with, pixel by pixel; null: 0.
template <int V, class Sink, class Next>
void multiply_deep(int pixels, const Depth& d, const float* x, const float* w, const Sink& sink, float* sums,
                   Next& next, const float* begun = nullptr) {
  constexpr int kDeep = 128;
  const int parts = ceil_div(d.depth, kDeep), part = ceil_div(ceil_div(d.depth, parts), kPack) * kPack;
  for (int first = 0; first < d.depth; first += part) {
    const Depth some{d.tap_offsets, 1, std::min(part, d.depth - first), d.pack_stride};
    const float *const from = x + first / kPack * d.pack_stride, *const weights = w + first * V * kLanes;
    if (first + part < d.depth)
      multiply_row<V, 1>(pixels, some, from, weights, Target{sums, V * kLanes, kLanes, false}, next, begun);
    else
      multiply_row<V, 1>(pixels, some, from, weights, sink, next, begun);
    begun = sums;
  }
}

// How many steps there are for an Ahead in a product with all panels, more or less.
inline int multiply_steps(const Panels& panels, int pixels, int depth) {
  return panels.count() * ceil_div(pixels, tile_height(panels.width(0))) * packs(depth);
}
inline int correlate_steps(const Panels& panels, int pixels, int depth) {
  return panels.count() * ceil_div(kPack, tile_height(panels.width(0))) * packs(depth) * packs(pixels);
}

// Pixels to sum over: `rows` runs of `columns` pixels.
struct Pixels {
  int rows, columns;
  std::ptrdiff_t x_row, dy_row;  // floats from a row to the next
  std::ptrdiff_t dy_stride;      // floats from a pixel to the next
  std::ptrdiff_t dy_pack;        // floats from kPack channels to the next ones: kPack, or those of a packed dy
  int dy_vector = 0;             // the first vector of dy
};

// Where vector `v` of a pixel is.
inline std::ptrdiff_t vector_offset(int v, std::ptrdiff_t pack) {
  return v * kLanes / kPack * pack + v * kLanes % kPack;
}

// Where a weight gradient goes: a row for each input channel, `stride` floats apart. What is there counts if `add`.
struct WeightRows {
  float* first;
  std::ptrdiff_t stride;
  bool add = true;
  WeightRows from(int row) const { return {first + row * stride, stride, add}; }
};

template <int K, int V, int XS, class Next = const NothingAhead>
void correlate(const Pixels& pixels, const float* x, const float* dy, const WeightRows& dw,
               Next& next = kNothingAhead) {
  Vec sum[K][V];
#pragma GCC unroll 16
  for (int k = 0; k < K; ++k)
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sum[k][v] = simd::zero();
  std::ptrdiff_t offsets[V];
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v) offsets[v] = vector_offset(pixels.dy_vector + v, pixels.dy_pack);
  for (int r = 0; r < pixels.rows; ++r) {
    const float* from = x + r * pixels.x_row;
    const float* gradient = dy + r * pixels.dy_row;
    const auto add = [&](int c) __attribute__((always_inline)) {
      Vec g[V];
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) g[v] = simd::load(gradient + offsets[v]);
#pragma GCC unroll 16
      for (int k = 0; k < K; ++k) {
        const Vec value = simd::broadcast(from[c * XS * kPack + k]);
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) sum[k][v] = simd::fma(value, g[v], sum[k][v]);
      }
      gradient += pixels.dy_stride;
    };
    for (int c = 0; c < pixels.columns; c += kPack, from += kPack * XS * kPack) {
      next.step();
      if (pixels.columns - c >= kPack)
#pragma GCC unroll 4
        for (int i = 0; i < kPack; ++i) add(i);
      else
#pragma GCC unroll 4
        for (int i = 0; i < pixels.columns - c; ++i) add(i);
    }
  }
#pragma GCC unroll 16
  for (int k = 0; k < K; ++k) {
    const Vec(&row)[1][V] = reinterpret_cast<const Vec(&)[1][V]>(sum[k]);
    Target{dw.from(k).first, 0, kLanes, dw.add}.template store<1, V>(row);
  }
}

// All `depth` input channels.
template <int V, int XS, class Next = const NothingAhead>
void correlate_rows(const Pixels& pixels, int depth, const float* x, std::ptrdiff_t pack_stride, const float* dy,
                    const WeightRows& dw, Next& next = kNothingAhead) {
  constexpr int K = tile_height(V);
  for (int first = 0; first < depth; first += kPack, x += pack_stride) {
    const int end = std::min(kPack, depth - first);
    int k = 0;
    const auto run = [&]<int N>() {
      for (; k + N <= end; k += N) correlate<N, V, XS>(pixels, x + k, dy, dw.from(first + k), next);
    };
    run.template operator()<K>();
    run.template operator()<4>();
    run.template operator()<3>();
    run.template operator()<1>();
  }
}

}  // namespace fanin::micro
