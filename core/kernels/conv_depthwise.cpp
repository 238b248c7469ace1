// Depthwise convolution, one filter a channel: channels are the lanes, so that every vector is full, where the other
// rungs would see groups of one channel.
//   Fits     groups = input channels = output channels; any kernel; the gradient by the input: stride 1, padding < kernel.
//   Layout   a vector of channels of an image is copied into a zero-bordered plane [padded row][padded column][lanes],
//            BatchNorm and ReLU folded into the copy. Weights are used as they lie: one vector a tap.
//   Tile     kTile output pixels of a row in registers, over all taps. For the weights: up to kTaps taps of a row of the
//            kernel, over all pixels of an image.
//   Threads  one image is one block of work; weight gradients go to kWeightGradientChunks private copies, added in order.
//   backward_input is the forward tile over a plane of dy with the taps in opposite order.
// SPDX-License-Identifier: MIT
#include "core/kernels/conv_candidate.h"
#include "core/kernels/conv_epilogue.h"
#include "core/kernels/conv_pack.h"
#include "core/tensor/parallel.h"

namespace fanin {

namespace {

using micro::kLanes;
using micro::z;
using simd::Vec;

constexpr int kTile = 8, kTaps = 5;

bool fits(const Conv2d& c, const Shape&, ConvProduct product) {
  return c.groups > 1 && c.in_channels == c.groups && c.out_channels == c.groups &&
         (product != ConvProduct::backward_input || (c.stride == 1 && c.padding < c.kernel));
}

// The plane of a vector of channels: `before` zero pixels above and to the left.
struct Plane {
  int before, rows, columns;
  std::size_t floats() const { return z(rows) * z(columns) * z(kLanes); }
  const float* at(const float* plane, int row, int column) const {
    return plane + (std::ptrdiff_t{row} * columns + column) * kLanes;
  }
};

Plane forward_plane(const Conv2d& c, const Shape& y) {
  return {c.padding, (y.height - 1) * c.stride + c.kernel, (y.width - 1) * c.stride + c.kernel};
}
Plane backward_plane(const Conv2d& c, const Shape& dx) {
  return {c.kernel - 1 - c.padding, dx.height + c.kernel - 1, dx.width + c.kernel - 1};
}

// `lanes` channels of an image from `first` on; what the plane has no room for is never read.
void fill_plane(const Plane& plane, ConstView image, const InputTransform& t, int first, int lanes, float* to) {
  std::fill_n(to, plane.floats(), 0.0f);
  const int rows = std::min(image.shape.height, plane.rows - plane.before);
  const int columns = std::min(image.shape.width, plane.columns - plane.before);
  with_transform(t, [&]<bool kAffine, bool kRelu>() {
    const Loader<kAffine, kRelu> transformed(t, first, lanes);
    for (int h = 0; h < rows; ++h) {
      const float* from = image.pixel(z(h * image.shape.width)) + first;
      float* row = to + ((std::ptrdiff_t{h} + plane.before) * plane.columns + plane.before) * kLanes;
      for (int w = 0; w < columns; ++w, from += image.stride, row += kLanes)
        simd::store(transformed(simd::load_n(from, lanes)), row);
    }
  });
}

// P neighbouring pixels of a row of the result: the sum over taps. `w`: tap 0 of these channels, the next `tap_step`
// floats on.
template <int P>
void tile_of(const Plane& plane, const float* from, const Conv2d& c, int stride, const float* w,
             std::ptrdiff_t tap_step, float* to, std::ptrdiff_t to_stride, int lanes, bool add) {
  Vec sum[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) sum[p] = add ? simd::load_n(to + p * to_stride, lanes) : simd::zero();
  for (int i = 0; i < c.kernel; ++i)
    for (int j = 0; j < c.kernel; ++j, w += tap_step) {
      const Vec weight = simd::load_n(w, lanes);
      const float* const x = plane.at(from, i, j);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) sum[p] = simd::fma(simd::load(x + p * stride * kLanes), weight, sum[p]);
    }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) simd::store_n(sum[p], to + p * to_stride, lanes);
}

// All pixels of y (one image) from a plane, `lanes` channels from `first` on.
void multiply(const Plane& plane, const float* from, const Conv2d& c, int stride, const float* w,
              std::ptrdiff_t tap_step, View y, int first, int lanes, bool add) {
  for (int h = 0; h < y.shape.height; ++h) {
    int column = 0;
    const auto next = [&]<int P>() {
      tile_of<P>(plane, plane.at(from, h * stride, column * stride), c, stride, w + first, tap_step,
                 y.pixel(z(h * y.shape.width + column)) + first, y.stride, lanes, add);
      column += P;
    };
    while (column + kTile <= y.shape.width) next.template operator()<kTile>();
    while (column < y.shape.width) next.template operator()<1>();
  }
}

// Calls fn(first channel, lanes) for all vectors of channels.
template <class Fn>
void for_channels(int channels, Fn&& fn) {
  for (int first = 0; first < channels; first += kLanes) fn(first, std::min(kLanes, channels - first));
}

// Of a product, for each thread: a plane, and an image of dv.
std::size_t plane_floats(const Conv2d& c, const Shape& x) {
  return Scratch::rounded(
      std::max(forward_plane(c, c.output_shape(x)).floats(), c.padding < c.kernel ? backward_plane(c, x).floats() : 0));
}
std::size_t scratch_floats(const Conv2d& c, const Shape& x, ConvProduct product, int threads) {
  const std::size_t image = product == ConvProduct::backward_input ? Scratch::rounded(x.with_images(1).size()) : 0;
  const std::size_t sums =
      product == ConvProduct::backward_weights ? kWeightGradientChunks * Scratch::rounded(c.weight_shape().size()) : 0;
  return z(threads) * (plane_floats(c, x) + image) + sums;
}

float* of_thread(float* all, std::size_t floats) { return all + z(omp_get_thread_num()) * floats; }

void forward(const Conv2d& c, ConstView x, const InputTransform& t, const float* w, View y, const ForwardEpilogue& e,
             std::span<float> scratch) {
  const Plane plane = forward_plane(c, y.shape);
  parallel_for(y.shape.images, [&](int n) {
    float* const values = of_thread(scratch.data(), plane_floats(c, x.shape));
    for_channels(c.groups, [&](int first, int lanes) {
      fill_plane(plane, x.images(n, 1), t, first, lanes, values);
      multiply(plane, values, c, c.stride, w, c.groups, y.images(n, 1), first, lanes, in_place(e, y));
    });
    finish_forward(e, y, whole_image(y, n));
  });
}

void backward_input(const Conv2d& c, ConstView dy, const float* w, View dx, Write write, const BackwardEpilogue& e,
                    std::span<float> scratch) {
  const Plane plane = backward_plane(c, dx.shape);
  const Shape image = dx.shape.with_images(1);
  const std::size_t floats = plane_floats(c, dx.shape);
  Scratch parts(scratch);
  float* const planes = parts.take(z(thread_count()) * floats);
  float* const images = parts.take(0);
  const float* const last = w + (c.kernel * c.kernel - 1) * c.groups;
  parallel_for(dy.shape.images, [&](int n) {
    float* const values = of_thread(planes, floats);
    const auto product = [&](View target, bool add) {
      for_channels(c.groups, [&](int first, int lanes) {
        fill_plane(plane, dy.images(n, 1), {}, first, lanes, values);
        multiply(plane, values, c, 1, last, -c.groups, target, first, lanes, add);
      });
    };
    if (empty(e)) return product(dx.images(n, 1), write == Write::add);
    const View dv{of_thread(images, Scratch::rounded(image.size())), image, image.channels};
    product(dv, false);
    clear_sums(e, dx.shape, n);
    finish_patch(
        e, dx, write,
        {dv.data, dv.stride, image.height, image.width, n, z(n) * image.pixels(), 1, image.width, 0, image.channels});
  });
}

// dw of T neighbouring taps of row i of the kernel, from column j on, += the sum over the pixels of an image.
template <int T>
void correlate(const Plane& plane, const float* from, const Conv2d& c, int i, int j, ConstView dy, int first, int lanes,
               float* dw) {
  Vec sum[T];
#pragma GCC unroll 8
  for (int k = 0; k < T; ++k) sum[k] = simd::zero();
  for (int h = 0; h < dy.shape.height; ++h) {
    const float* x = plane.at(from, h * c.stride + i, j);
    const float* g = dy.pixel(z(h * dy.shape.width)) + first;
    for (int column = 0; column < dy.shape.width; ++column, x += c.stride * kLanes, g += dy.stride) {
      const Vec gradient = simd::load_n(g, lanes);
#pragma GCC unroll 8
      for (int k = 0; k < T; ++k) sum[k] = simd::fma(simd::load(x + k * kLanes), gradient, sum[k]);
    }
  }
  float* to = dw + (i * c.kernel + j) * c.groups + first;
#pragma GCC unroll 8
  for (int k = 0; k < T; ++k, to += c.groups) simd::store_n(simd::plus(simd::load_n(to, lanes), sum[k]), to, lanes);
}

void backward_weights(const Conv2d& c, ConstView x, const InputTransform& t, ConstView dy, float* dw,
                      std::span<float> scratch) {
  const Plane plane = forward_plane(c, dy.shape);
  const int count = dy.shape.images, chunks = std::min(kWeightGradientChunks, count);
  const std::size_t size = c.weight_shape().size();
  Scratch parts(scratch);
  float* const partials = parts.take(kWeightGradientChunks * size);
  float* const planes = parts.take(0);
  parallel_for(chunks, [&](int chunk) {
    float* const partial = partials + z(chunk) * size;
    float* const values = of_thread(planes, plane_floats(c, x.shape));
    std::fill_n(partial, size, 0.0f);
    for (int n = chunk * count / chunks; n < (chunk + 1) * count / chunks; ++n)
      for_channels(c.groups, [&](int first, int lanes) {
        fill_plane(plane, x.images(n, 1), t, first, lanes, values);
        for (int i = 0; i < c.kernel; ++i) {
          int j = 0;
          for (; j + kTaps <= c.kernel; j += kTaps)
            correlate<kTaps>(plane, values, c, i, j, dy.images(n, 1), first, lanes, partial);
          for (; j + 3 <= c.kernel; j += 3)
            correlate<3>(plane, values, c, i, j, dy.images(n, 1), first, lanes, partial);
          for (; j < c.kernel; ++j) correlate<1>(plane, values, c, i, j, dy.images(n, 1), first, lanes, partial);
        }
      });
  });
  add_chunks(partials, chunks, size, dw);
}

std::string tile(const Conv2d&, const Shape&, ConvProduct product) {
  const std::string lanes = std::to_string(kLanes) + "ch";
  return product == ConvProduct::backward_weights ? "up to " + std::to_string(kTaps) + " taps x " + lanes
                                                  : std::to_string(kTile) + "px x " + lanes;
}

}  // namespace

const ConvCandidate conv_depthwise = {"depthwise",     fits, tile, scratch_floats, forward, backward_input,
                                      backward_weights};

}  // namespace fanin
