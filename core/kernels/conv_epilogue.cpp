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

// y = max(own(y) + other(add), 0).
void join(const ForwardEpilogue& e, View y, const Piece& piece) {
  const int end = piece.first_channel + piece.channels;
  for (int c = piece.first_channel; c < end; c += kLanes) {
    const int lanes = std::min(kLanes, end - c);
    const Rounded own(e.own, c, lanes), other(e.other, c, lanes);
    const float* add = at(e.add, piece, piece.first) + c;
    float* to = at(y, piece, piece.first) + c;
    for (int p = 0; p < piece.count; ++p, to += y.stride, add += e.add.stride) {
      const Vec sum = simd::plus(own(simd::load_n(to, lanes)), other(simd::load_n(add, lanes)));
      simd::store_n(simd::positive_part(sum), to, lanes);
    }
  }
}

template <class Lanes>
void add_to_sums(float* sums, int image, int channels, int channel, Vec sum, Vec product, Lanes lanes) {
  float *const first = sums + z(image) * z(2 * channels) + channel, *const second = first + channels;
  lanes.store(simd::plus(lanes.load(first), sum), first);
  lanes.store(simd::plus(lanes.load(second), product), second);
}

// One vector of a patch. kAdd, kScaled: see BackwardEpilogue.
template <bool kRelu, bool kAdd, bool kScaled, class Lanes>
void finish_vector(const BackwardEpilogue& e, View dx, const GradientPatch& patch, int offset, Lanes lanes) {
  const int channel = patch.channel + offset;
  const bool affine = e.transform.factor != nullptr;
  const auto row = [&](const float* values, float otherwise) {
    return affine ? lanes.load(values + channel) : simd::broadcast(otherwise);
  };
  const Vec mean = row(e.transform.mean, 0.0f), factor = row(e.transform.factor, 1.0f);
  const Vec shift = row(e.transform.shift, 0.0f);
  Vec sum = simd::zero(), product = simd::zero();
  const float* dv = patch.dv + offset;
  for (int r = 0; r < patch.rows; ++r) {
    const std::size_t pixel = patch.pixel + z(r * patch.row_pixels);
    const float* x = e.x.pixel(pixel) + channel;
    float* to = dx.pixel(pixel) + channel;
    for (int c = 0; c < patch.columns;
         ++c, dv += patch.dv_stride, x += patch.step * e.x.stride, to += patch.step * dx.stride) {
      const Vec centred = simd::minus(lanes.load(x), mean);
      Vec g = lanes.load(dv);
      if constexpr (kAdd && !kScaled) g = simd::plus(g, lanes.load(to));
      if constexpr (kRelu) g = simd::where_positive(simd::fma(centred, factor, shift), g);
      sum = simd::plus(sum, g);
      product = simd::fma(g, centred, product);
      if constexpr (kScaled) g = kAdd ? simd::fma(g, factor, lanes.load(to)) : simd::times(g, factor);
      lanes.store(g, to);
    }
  }
  if (e.sums != nullptr) add_to_sums(e.sums, patch.image, dx.shape.channels, channel, sum, product, lanes);
}

// The sums of a finished patch with another value: its gradient is read back, it is still in the L1 cache.
template <class Lanes>
void add_other_sums(const GradientSums& o, View dx, const GradientPatch& patch, int offset, Lanes lanes) {
  const int channel = patch.channel + offset;
  const Vec mean = lanes.load(o.mean + channel);
  Vec sum = simd::zero(), product = simd::zero();
  for (int r = 0; r < patch.rows; ++r) {
    const std::size_t pixel = patch.pixel + z(r * patch.row_pixels);
    const float *x = o.x.pixel(pixel) + channel, *gradient = dx.pixel(pixel) + channel;
    for (int c = 0; c < patch.columns; ++c, x += patch.step * o.x.stride, gradient += patch.step * dx.stride) {
      const Vec g = lanes.load(gradient);
      sum = simd::plus(sum, g);
      product = simd::fma(g, simd::minus(lanes.load(x), mean), product);
    }
  }
  add_to_sums(o.sums, patch.image, dx.shape.channels, channel, sum, product, lanes);
}

// fn.operator()<bits...>() for booleans as compile-time constants.
template <bool... kBits, class Fn>
void with_bits(Fn&& fn) {
  fn.template operator()<kBits...>();
}
template <bool... kBits, class Fn, class... Rest>
void with_bits(Fn&& fn, bool first, Rest... rest) {
  if (first)
    with_bits<kBits..., true>(fn, rest...);
  else
    with_bits<kBits..., false>(fn, rest...);
}

}  // namespace

void finish_forward(const ForwardEpilogue& e, View y, const Piece& piece) {
  if (e.joins) return join(e, y, piece);
  const bool adds = e.add.data != nullptr && !in_place(e, y);
  if (!adds && e.moments == nullptr) return;
  const int total = y.shape.channels;
  float* const moments = e.moments == nullptr ? nullptr : e.moments + z(piece.image) * z(2 * total);
  for (int p = piece.first; p < piece.first + piece.count; p += kBlockPixels) {
    const int pixels = std::min(kBlockPixels, piece.first + piece.count - p);
    for_vectors(piece.channels, [&]<int W>(int offset, auto lanes) {
      const int c = piece.first_channel + offset;
      float* const to = at(y, piece, p) + c;
      const float* const add = adds ? at(e.add, piece, p) + c : nullptr;
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

void finish_patch(const BackwardEpilogue& e, View dx, Write write, const GradientPatch& patch) {
  with_bits(
      [&]<bool kRelu, bool kAdd, bool kScaled>() {
        const auto finish = [&](int offset, auto lanes) {
          finish_vector<kRelu, kAdd, kScaled>(e, dx, patch, offset, lanes);
          for (const GradientSums& o : e.others)
            if (o.x.data != nullptr) add_other_sums(o, dx, patch, offset, lanes);
        };
        int offset = 0;
        for (; offset + kLanes <= patch.channels; offset += kLanes) finish(offset, WholeVector());
        if (offset < patch.channels) finish(offset, PartVector{patch.channels - offset});
      },
      e.transform.relu, write == Write::add, e.scaled);
}

void clear_sums(const BackwardEpilogue& e, const Shape& dx, int image, int first_channel, int channels) {
  if (empty(e)) return;
  for (float* const sums : {e.sums, e.others[0].sums, e.others[1].sums})
    if (sums != nullptr)
      for (const int row : {0, 1})
        std::fill_n(sums + z(2 * image + row) * z(dx.channels) + z(first_channel), channels, 0.0f);
}

}  // namespace fanin
