// SPDX-License-Identifier: MIT
#include "core/graph/join.h"

#include "core/kernels/transform.h"
#include "core/tensor/parallel.h"

#include <array>

namespace fanin {

namespace {

float* row_of(float* partials, int image, int which, int channels) {
  return partials == nullptr ? nullptr : partials + (2 * static_cast<std::ptrdiff_t>(image) + which) * channels;
}

template <class V>
void write_lanes(const V& v, Write write, float* to) {
  if (write == Write::overwrite)
    store_lanes(v, to);
  else
    add_lanes(v, to);
}

// Calls fn(pixel, first channel, V()) for all channels of an image's pixels, in the order of memory, which is fetched
// fastest so; of narrow pixels some at a time, so that what belongs to their channels stays in registers.
template <class Fn>
void for_pixels(const Shape& image, Fn&& fn) {
  const std::size_t pixels = image.with_images(1).pixels();
  const std::size_t some = std::max<std::size_t>(1, 256 / static_cast<std::size_t>(image.channels));
  for (std::size_t begin = 0; begin < pixels; begin += some)
    for_lanes(image.channels, [&](int first, auto lanes) {
      const std::size_t end = std::min(pixels, begin + some);
      for (std::size_t p = begin; p < end; ++p) fn(p, first, lanes);
    });
}

template <std::size_t N>
void join_operands(std::span<const Operand> operands, bool relu, View y) {
  parallel_for(y.shape.images, [&](int n) {
    std::array<ConstView, N> x;
    for (std::size_t k = 0; k < N; ++k) x[k] = operands[k].x.images(n, 1);
    const View to = y.images(n, 1);
    for_pixels(y.shape, [&](std::size_t p, int first, auto lanes) {
      using V = decltype(lanes);
      const auto operand = [&](std::size_t k) {
        return LanesTransform<V>(operands[k].transform, first)(load_lanes<V>(x[k].pixel(p) + first));
      };
      V sum = operand(0);
      for (std::size_t k = 1; k < N; ++k) sum = relu_if(relu, sum + operand(k));
      store_lanes(sum, to.pixel(p) + first);
    });
  });
}

}  // namespace

void join_forward(const Operand& a, const Operand& b, View y) { join_operands<2>(std::array{a, b}, false, y); }

void join_forward(const Joined& j) {
  static_assert(kMostOperands == 4);
  const std::span<const Operand> operands = std::span(j.operands).first(j.count);
  if (j.count == 2) return join_operands<2>(operands, true, j.x);
  if (j.count == 3) return join_operands<3>(operands, true, j.x);
  join_operands<4>(operands, true, j.x);
}

void join_backward(ConstView y, ConstView dy, View dx, Write write, const JoinSums& a, const JoinSums& b) {
  const int channels = dx.shape.channels;
  parallel_for(dx.shape.images, [&](int n) {
    const ConstView out = y.images(n, 1), gradient = dy.images(n, 1);
    const View target = dx.images(n, 1);
    // An operand without sums reads y instead, which is in the cache, and its product is dropped.
    const ConstView xa = a.sums != nullptr ? a.x.images(n, 1) : out, xb = b.sums != nullptr ? b.x.images(n, 1) : out;
    for (const JoinSums* s : {&a, &b})
      if (s->sums != nullptr) std::fill_n(row_of(s->sums, n, 0, channels), 2 * channels, 0.0f);
    for_strips(dx.shape, [&](std::size_t begin, std::size_t end) {
      for_lanes(channels, [&](int first, auto lanes) {
        using V = decltype(lanes);
        const V zero = {};
        V sum = {}, product_a = {}, product_b = {}, mean_a = {}, mean_b = {};
        if (a.sums != nullptr) mean_a = load_lanes<V>(a.mean + first);
        if (b.sums != nullptr) mean_b = load_lanes<V>(b.mean + first);
        for (std::size_t p = begin; p < end; ++p) {
          const V all = load_lanes<V>(gradient.pixel(p) + first);
          const V g = load_lanes<V>(out.pixel(p) + first) > zero ? all : zero;
          sum += g;
          product_a += g * (load_lanes<V>(xa.pixel(p) + first) - mean_a);
          product_b += g * (load_lanes<V>(xb.pixel(p) + first) - mean_b);
          write_lanes(g, write, target.pixel(p) + first);
        }
        for (const JoinSums* s : {&a, &b}) {
          if (s->sums == nullptr) continue;
          add_lanes(sum, row_of(s->sums, n, 0, channels) + first);
          add_lanes(s == &a ? product_a : product_b, row_of(s->sums, n, 1, channels) + first);
        }
      });
    });
  });
}

void mask_backward(const Operand& value, ConstView dy, View dx, Write write) {
  parallel_for(dx.shape.images, [&](int n) {
    const ConstView x = value.x.images(n, 1), gradient = dy.images(n, 1);
    const View target = dx.images(n, 1);
    for_lanes(dx.shape.channels, [&](int first, auto lanes) {
      using V = decltype(lanes);
      const LanesTransform<V> of(value.transform, first);
      const V zero = {};
      for (std::size_t p = 0; p < target.shape.pixels(); ++p) {
        const V all = load_lanes<V>(gradient.pixel(p) + first);
        const V g = of.before_relu(load_lanes<V>(x.pixel(p) + first)) > zero ? all : zero;
        write_lanes(g, write, target.pixel(p) + first);
      }
    });
  });
}

void correct_gradient(ConstView x, const Correction& c, View dx) {
  parallel_for(dx.shape.images, [&](int n) {
    const ConstView from = x.images(n, 1);
    const View to = dx.images(n, 1);
    for_pixels(dx.shape, [&](std::size_t p, int first, auto lanes) {
      using V = decltype(lanes);
      const V constant = load_lanes<V>(c.constant + first), slope = load_lanes<V>(c.slope + first);
      const V moved = load_lanes<V>(from.pixel(p) + first) - load_lanes<V>(c.mean + first);
      float* const g = to.pixel(p) + first;
      store_lanes<V>(load_lanes<V>(g) - constant - slope * moved, g);
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
