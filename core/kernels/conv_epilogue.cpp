// Moments are taken in blocks of kBlockPixels pixels, which stay in the L1 cache: mean of the block, then the squared
// deviations from it, then the block is merged into the image's (Chan, Golub, LeVeque 1979): M2 += M2_b + d^2 n n_b / (n
// + n_b). Never E[x^2] - E[x]^2.
// SPDX-License-Identifier: MIT
#include "core/kernels/conv_epilogue.h"

#include "core/kernels/conv_pack.h"

namespace fanin {

namespace {

using micro::kLanes;
using micro::z;
using simd::Vec;

constexpr int kBlockPixels = 64;

const float* at(ConstView v, const Piece& p, int pixel) {
  return v.pixel(z(p.image) * z(v.shape.height * v.shape.width) + z(pixel));
}
float* at(View v, const Piece& p, int pixel) {
  return v.pixel(z(p.image) * z(v.shape.height * v.shape.width) + z(pixel));
}

// Load and store of a vector: whole, or the last of a pixel.
struct WholeVector {
  static constexpr int count = kLanes;
  static Vec load(const float* p) { return simd::load(p); }
  static void store(Vec v, float* p) { simd::store(v, p); }
};
struct PartVector {
  int count;
  Vec load(const float* p) const { return simd::load_n(p, count); }
  void store(Vec v, float* p) const { simd::store_n(v, p, count); }
};

// W vectors of `pixels` pixels. kAdd: the sum's other operand at `add`.
template <int W, bool kAdd, bool kMoments, class Lanes>
void forward_block(float* y, std::ptrdiff_t stride, const float* add, std::ptrdiff_t add_stride, int pixels,
                   Lanes lanes, float* mean, float* squares, int before) {
  Vec sum[W];
#pragma GCC unroll 4
  for (int v = 0; v < W; ++v) sum[v] = simd::zero();
  for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < W; ++v) {
      float* to = y + p * stride + v * kLanes;
      Vec value = lanes.load(to);
      if constexpr (kAdd) {
        value = simd::plus(value, lanes.load(add + p * add_stride + v * kLanes));
        lanes.store(value, to);
      }
      sum[v] = simd::plus(sum[v], value);
    }
  if constexpr (!kMoments) return;
  Vec deviation[W], block_mean[W];
#pragma GCC unroll 4
  for (int v = 0; v < W; ++v) {
    block_mean[v] = simd::times(sum[v], simd::broadcast(1.0f / static_cast<float>(pixels)));
    deviation[v] = simd::zero();
  }
  for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < W; ++v) {
      const Vec d = simd::minus(lanes.load(y + p * stride + v * kLanes), block_mean[v]);
      deviation[v] = simd::fma(d, d, deviation[v]);
    }
  const float total = static_cast<float>(before + pixels);
  const Vec share = simd::broadcast(static_cast<float>(pixels) / total);
  const Vec weight = simd::broadcast(static_cast<float>(before) * static_cast<float>(pixels) / total);
#pragma GCC unroll 4
  for (int v = 0; v < W; ++v) {
    float *const m = mean + v * kLanes, *const s = squares + v * kLanes;
    if (before > 0) {
      const Vec old = lanes.load(m), d = simd::minus(block_mean[v], old);
      block_mean[v] = simd::fma(d, share, old);
      deviation[v] = simd::plus(simd::fma(simd::times(d, d), weight, deviation[v]), lanes.load(s));
    }
    lanes.store(block_mean[v], m);
    lanes.store(deviation[v], s);
  }
}

// Four vectors at a time, then one, then what is left of a vector.
template <class Fn>
void for_vectors(int channels, Fn&& fn) {
  int c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) fn.template operator()<4>(c, WholeVector());
  for (; c + kLanes <= channels; c += kLanes) fn.template operator()<1>(c, WholeVector());
  if (c < channels) fn.template operator()<1>(c, PartVector{channels - c});
}

template <int W, bool kAffine, bool kRelu, class Lanes>
void backward_block(float* dx, std::ptrdiff_t stride, const float* x, std::ptrdiff_t x_stride, int pixels, Lanes lanes,
                    const InputTransform& t, int channel, float* sums, float* products, bool first) {
  using Load = Loader<kAffine, kRelu>;
  Vec mean[W], factor[W], shift[W], sum[W], product[W];
#pragma GCC unroll 4
  for (int v = 0; v < W; ++v) {
    const Load l(t, channel + v * kLanes, lanes.count);
    mean[v] = kAffine ? l.mean : simd::zero();
    factor[v] = kAffine ? l.factor : simd::zero();
    shift[v] = kAffine ? l.shift : simd::zero();
    sum[v] = product[v] = simd::zero();
  }
  for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < W; ++v) {
      float* to = dx + p * stride + v * kLanes;
      const Vec centered = simd::minus(lanes.load(x + p * x_stride + v * kLanes), mean[v]);
      Vec g = lanes.load(to);  // a load under the mask would wait for the comparison
      if constexpr (kRelu) {
        g = simd::where_positive(kAffine ? simd::fma(centered, factor[v], shift[v]) : centered, g);
        lanes.store(g, to);
      }
      sum[v] = simd::plus(sum[v], g);
      product[v] = simd::fma(g, centered, product[v]);
    }
  if (sums == nullptr) return;
#pragma GCC unroll 4
  for (int v = 0; v < W; ++v) {
    float *const s = sums + v * kLanes, *const q = products + v * kLanes;
    lanes.store(first ? sum[v] : simd::plus(lanes.load(s), sum[v]), s);
    lanes.store(first ? product[v] : simd::plus(lanes.load(q), product[v]), q);
  }
}

}  // namespace

void finish_forward(const ForwardEpilogue& e, View y, const Piece& piece) {
  if (empty(e)) return;
  const int total = y.shape.channels;
  float* const moments = e.moments == nullptr ? nullptr : e.moments + z(piece.image) * z(2 * total);
  for (int p = piece.first; p < piece.first + piece.count; p += kBlockPixels) {
    const int pixels = std::min(kBlockPixels, piece.first + piece.count - p);
    for_vectors(piece.channels, [&]<int W>(int offset, auto lanes) {
      const int c = piece.first_channel + offset;
      float* const to = at(y, piece, p) + c;
      const float* const add = e.add.data == nullptr ? nullptr : at(e.add, piece, p) + c;
      float* const mean = moments == nullptr ? nullptr : moments + c;
      float* const squares = moments == nullptr ? nullptr : moments + total + c;
      const auto run = [&]<bool kAdd, bool kMoments>() {
        forward_block<W, kAdd, kMoments>(to, y.stride, add, e.add.stride, pixels, lanes, mean, squares, p);
      };
      if (moments == nullptr) return run.template operator()<true, false>();
      if (add == nullptr) return run.template operator()<false, true>();
      run.template operator()<true, true>();
    });
  }
}

void finish_backward(const BackwardEpilogue& e, View dx, const Piece& piece) {
  if (empty(e)) return;
  const int total = dx.shape.channels;
  float* const sums = e.sums == nullptr ? nullptr : e.sums + z(piece.image) * z(2 * total);
  for (int p = piece.first; p < piece.first + piece.count; p += kBlockPixels) {
    const int pixels = std::min(kBlockPixels, piece.first + piece.count - p);
    with_transform(e.transform, [&]<bool kAffine, bool kRelu>() {
      for_vectors(piece.channels, [&]<int W>(int offset, auto lanes) {
        const int c = piece.first_channel + offset;
        float* const s = sums == nullptr ? nullptr : sums + c;
        float* const q = sums == nullptr ? nullptr : sums + total + c;
        backward_block<W, kAffine, kRelu>(at(dx, piece, p) + c, dx.stride, at(e.x, piece, p) + c, e.x.stride, pixels,
                                          lanes, e.transform, c, s, q, p == 0);
      });
    });
  }
}

}  // namespace fanin
