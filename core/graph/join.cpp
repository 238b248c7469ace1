// SPDX-License-Identifier: MIT
#include "core/graph/join.h"

#include "core/kernels/transform.h"
#include "core/tensor/parallel.h"

namespace fanin {

// In the loops below a pixel's results go through a local array: the compiler need not ask whether the views overlap,
// which they do where a pass works in place.

namespace {

// Enough pixels for about 16 KB of each view: every tile of channels passes over them while they are in the L1 cache.
std::size_t pixels_per_strip(int channels) {
  return std::max<std::size_t>(8, 4096 / static_cast<std::size_t>(channels));
}

template <class Fn>
void for_strips(const Shape& image, Fn&& fn) {
  const std::size_t pixels = image.with_images(1).pixels(), strip = pixels_per_strip(image.channels);
  for (std::size_t begin = 0; begin < pixels; begin += strip) fn(begin, std::min(pixels, begin + strip));
}

float* row_of(float* partials, int image, int which, int channels) {
  return partials == nullptr ? nullptr : partials + (2 * static_cast<std::ptrdiff_t>(image) + which) * channels;
}

}  // namespace

void join_forward(const Operand& a, const Operand& b, bool relu, View y) {
  parallel_for(y.shape.images, [&](int n) {
    const ConstView xa = a.x.images(n, 1), xb = b.x.images(n, 1);
    const View to = y.images(n, 1);
    for_strips(y.shape, [&](std::size_t begin, std::size_t end) {
      for_channel_tiles(y.shape.channels, [&](int first, auto count) {
        const TransformTile ta(a.transform, first, count), tb(b.transform, first, count);
        for (std::size_t p = begin; p < end; ++p) {
          const float *const fa = xa.pixel(p) + first, *const fb = xb.pixel(p) + first;
          alignas(64) float result[kChannelTile];
          for (int j = 0; j < count; ++j)
            result[j] = relu_if(
                relu, relu_if(a.transform.relu, ta.affine(fa[j], j)) + relu_if(b.transform.relu, tb.affine(fb[j], j)));
          std::copy_n(result, static_cast<int>(count), to.pixel(p) + first);
        }
      });
    });
  });
}

void join_backward(ConstView y, ConstView dy, View dx, Write write, const JoinSums& a, const JoinSums& b) {
  const int channels = dx.shape.channels;
  parallel_for(dx.shape.images, [&](int n) {
    const ConstView out = y.images(n, 1), gradient = dy.images(n, 1);
    const View target = dx.images(n, 1);
    for (const JoinSums* s : {&a, &b})
      if (s->sums != nullptr) std::fill_n(row_of(s->sums, n, 0, channels), 2 * channels, 0.0f);
    for_strips(dx.shape, [&](std::size_t begin, std::size_t end) {
      for_channel_tiles(channels, [&](int first, auto count) {
        alignas(64) float sum[kChannelTile] = {}, product_a[kChannelTile] = {}, product_b[kChannelTile] = {};
        alignas(64) float mean_a[kChannelTile] = {}, mean_b[kChannelTile] = {};
        if (a.sums != nullptr) std::copy_n(a.mean + first, static_cast<int>(count), mean_a);
        if (b.sums != nullptr) std::copy_n(b.mean + first, static_cast<int>(count), mean_b);
        // An operand without sums reads y instead, which is in the cache, and its product is dropped.
        const ConstView xa = a.sums != nullptr ? a.x.images(n, 1) : out,
                        xb = b.sums != nullptr ? b.x.images(n, 1) : out;
        for (std::size_t p = begin; p < end; ++p) {
          const float *const value = out.pixel(p) + first, *const from = gradient.pixel(p) + first;
          const float *const fa = xa.pixel(p) + first, *const fb = xb.pixel(p) + first;
          float* const to = target.pixel(p) + first;
          alignas(64) float result[kChannelTile];
          for (int j = 0; j < count; ++j) {
            const float all = from[j];
            const float g = value[j] > 0.0f ? all : 0.0f;
            result[j] = write == Write::overwrite ? g : to[j] + g;
            sum[j] += g;
            product_a[j] += g * (fa[j] - mean_a[j]);
            product_b[j] += g * (fb[j] - mean_b[j]);
          }
          std::copy_n(result, static_cast<int>(count), to);
        }
        const auto add = [&](const JoinSums& s, const float* product) {
          if (s.sums == nullptr) return;
          float *const sums = row_of(s.sums, n, 0, channels) + first, *const products = sums + channels;
          for (int j = 0; j < count; ++j) sums[j] += sum[j];
          for (int j = 0; j < count; ++j) products[j] += product[j];
        };
        add(a, product_a);
        add(b, product_b);
      });
    });
  });
}

void mask_backward(const Operand& value, ConstView dy, View dx, Write write) {
  parallel_for(dx.shape.images, [&](int n) {
    const ConstView x = value.x.images(n, 1), gradient = dy.images(n, 1);
    const View target = dx.images(n, 1);
    for_channel_tiles(dx.shape.channels, [&](int first, auto count) {
      const TransformTile tile(value.transform, first, count);
      for (std::size_t p = 0; p < target.shape.pixels(); ++p) {
        const float *const from = x.pixel(p) + first, *const all = gradient.pixel(p) + first;
        float* const to = target.pixel(p) + first;
        alignas(64) float result[kChannelTile];
        for (int j = 0; j < count; ++j) {
          const float g = tile.affine(from[j], j) > 0.0f ? all[j] : 0.0f;
          result[j] = write == Write::overwrite ? g : to[j] + g;
        }
        std::copy_n(result, static_cast<int>(count), to);
      }
    });
  });
}

void moments_of_images(ConstView x, float* moments) {
  parallel_for(x.shape.images, [&](int n) { image_moments(x.images(n, 1), row_of(moments, n, 0, x.shape.channels)); });
}

// Images are equally large, so the mean of all is the mean of their means, and their squared deviations from it are
// those from their own means plus what their means deviate (Chan, Golub & LeVeque 1983). In double, in image order.
void join_moments(const float* moments, const Shape& shape, double* mean, double* squares) {
  const int images = shape.images, channels = shape.channels;
  const double pixels = static_cast<double>(shape.with_images(1).pixels());
  constexpr int kTile = 64;
  parallel_for((channels + kTile - 1) / kTile, [&](int tile) {
    const int first = tile * kTile, last = std::min(channels, first + kTile);
    std::fill(mean + first, mean + last, 0.0);
    std::fill(squares + first, squares + last, 0.0);
    for (std::ptrdiff_t n = 0; n < images; ++n)
      for (int c = first; c < last; ++c) mean[c] += static_cast<double>(moments[2 * n * channels + c]);
    for (int c = first; c < last; ++c) mean[c] /= images;
    for (std::ptrdiff_t n = 0; n < images; ++n)
      for (int c = first; c < last; ++c) {
        const double deviation = static_cast<double>(moments[2 * n * channels + c]) - mean[c];
        squares[c] += static_cast<double>(moments[(2 * n + 1) * channels + c]) + pixels * deviation * deviation;
      }
  });
}

}  // namespace fanin
