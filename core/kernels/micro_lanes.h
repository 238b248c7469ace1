// The register tiles of narrow groups: 1, 2, 4 or 8 channels with as many outputs as inputs. The tiles of micro.h see
// them merged into blocks of 16 x 16 weights, mostly zeros. Here lanes are channels on both sides: a convolution with
// groups of G channels is G convolutions with one filter a channel, the r-th of which takes channel c to channel c ^ r.
//   multiply_lanes    Y[c ^ r] += sum over taps of X[c] * W_r[c], where W_r[c] is the weight from c to c ^ r
//   correlate_lanes   dW_r[c]  += sum over pixels of X[c] * dY[c ^ r]
// Every lane of every multiply-add counts, and lanes change places only between these sums.
//   Registers: 16 sums (AVX2, SSE: 8), up to kSwaps values of r by as many pixels, or taps, as that leaves.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/micro.h"

namespace fanin::micro {

constexpr int kWidestLaneGroup = std::min(8, kLanes);
constexpr bool has_lane_tile(int channels) {
  return channels >= 1 && channels <= kWidestLaneGroup && (channels & (channels - 1)) == 0;
}

// fn.operator()<G>() for groups of G channels.
template <class Fn>
void with_lane_group(int channels, Fn&& fn) {
  if (channels == 1) return fn.template operator()<1>();
  if (channels == 2) return fn.template operator()<2>();
  if (channels == 4) return fn.template operator()<4>();
  if constexpr (kWidestLaneGroup == 8) return fn.template operator()<8>();
}

constexpr int kSwaps = 4, kLaneTaps = kLanes == 16 ? 3 : 2;
constexpr int lane_tile_height(int group) { return (kLanes == 16 ? 16 : 8) / std::min(kSwaps, group); }

// P pixels, XS packed pixels apart, of one vector of channels. Weights: [tap][r][lanes]. d.depth does not matter.
template <int G, int P, int XS, class Sink, class Next>
void multiply_lanes(const Depth& d, const float* x, const float* w, const Sink& sink, Next& next) {
  constexpr int R = std::min(kSwaps, G), kTapsOfStep = 4;
  Vec result[P][1];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) result[p][0] = simd::zero();
#pragma GCC unroll 2
  for (int first = 0; first < G; first += R) {
    Vec sum[R][P];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) sum[r][p] = simd::zero();
    for (int tap = 0; tap < d.taps; ++tap) {
      if (tap % kTapsOfStep == 0) next.step();
      const float *const from = x + d.tap_offsets[tap], *const row = w + (tap * G + first) * kLanes;
      Vec weight[R];
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) weight[r] = simd::kept(simd::load(row + r * kLanes));
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
        const Vec value = simd::load(from + p * XS * kPack);
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) sum[r][p] = simd::fma(value, weight[r], sum[r][p]);
      }
    }
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) result[p][0] = simd::plus(result[p][0], simd::swap_lanes(sum[r][p], first + r));
  }
  sink.template store<P, 1>(result);
}

// `pixels` pixels in a row.
template <int G, int XS, class Sink, class Next>
void multiply_lanes_row(int pixels, const Depth& d, const float* x, const float* w, Sink sink, Next& next) {
  constexpr int P = lane_tile_height(G);
  const auto run = [&]<int N>() {
    for (; pixels >= N; pixels -= N, x += N * XS * kPack, sink.advance(N))
      multiply_lanes<G, N, XS>(d, x, w, sink, next);
  };
  run.template operator()<P>();
  run.template operator()<P / 2>();
  run.template operator()<1>();
}

// T neighbouring taps of a row of the kernel. dw += the sums: [tap][r][lanes].
template <int G, int T, int XS, class Next>
void correlate_lanes(const Pixels& pixels, const float* x, const float* dy, float* dw, Next& next) {
  constexpr int R = std::min(kSwaps, G);
#pragma GCC unroll 2
  for (int first = 0; first < G; first += R) {
    Vec sum[T][R];
#pragma GCC unroll 16
    for (int t = 0; t < T; ++t)
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) sum[t][r] = simd::load(dw + (t * G + first + r) * kLanes);
    for (int row = 0; row < pixels.rows; ++row) {
      const float *from = x + row * pixels.x_row, *gradient = dy + row * pixels.dy_row;
      next.step();
      for (int c = 0; c < pixels.columns; ++c, from += XS * kPack, gradient += pixels.dy_stride) {
        const Vec own = simd::load(gradient);
        Vec swapped[R];
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) swapped[r] = simd::swap_lanes(own, first + r);
#pragma GCC unroll 16
        for (int t = 0; t < T; ++t) {
          const Vec value = simd::load(from + t * kPack);
#pragma GCC unroll 16
          for (int r = 0; r < R; ++r) sum[t][r] = simd::fma(value, swapped[r], sum[t][r]);
        }
      }
    }
#pragma GCC unroll 16
    for (int t = 0; t < T; ++t)
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) simd::store(sum[t][r], dw + (t * G + first + r) * kLanes);
  }
}

// `taps` neighbouring taps.
template <int G, int XS, class Next>
void correlate_lanes_row(int taps, const Pixels& pixels, const float* x, const float* dy, float* dw, Next& next) {
  const auto run = [&]<int T>() {
    for (; taps >= T; taps -= T, x += T * kPack, dw += T * G * kLanes)
      correlate_lanes<G, T, XS>(pixels, x, dy, dw, next);
  };
  run.template operator()<kLaneTaps>();
  run.template operator()<1>();
}

}  // namespace fanin::micro
