// InputTransform and the epilogues of conv2d.h in plain loops, for whoever reads a never-stored value without being a
// convolution. Everything works on the pixels of one image.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv2d.h"

#include <algorithm>
#include <cstring>

namespace fanin {

// N neighbouring channels. Vectors by name and not by the compiler's choice: it unrolls a short loop over channels
// before it looks for vectors, and then finds none (measured: 3 instead of 50 GB/s).
template <int N>
struct Lanes {
  typedef float Type __attribute__((vector_size(N * sizeof(float))));
};
template <>
struct Lanes<1> {
  using Type = float;
};

template <class V>
V load_lanes(const float* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class V>
void store_lanes(const V& v, float* p) {
  std::memcpy(p, &v, sizeof v);
}
template <class V>
V relu_if(bool relu, const V& v) {
  const V zero = {};
  return relu ? (v < zero ? zero : v) : v;  // this way round a NaN stays a NaN
}

// Calls fn(first channel, V()) for all channels, as many at once as a vector has.
template <class Fn>
void for_lanes(int channels, Fn&& fn) {
  int c = 0;
#if defined(__AVX512F__)
  for (; c + 16 <= channels; c += 16) fn(c, Lanes<16>::Type());
#endif
#if defined(__AVX__)
  for (; c + 8 <= channels; c += 8) fn(c, Lanes<8>::Type());
#endif
  for (; c + 4 <= channels; c += 4) fn(c, Lanes<4>::Type());
  for (; c < channels; ++c) fn(c, Lanes<1>::Type());
}

// Calls fn(begin, end) for ranges of an image's pixels of about 16 KB: all its channels pass by while it is in the L1
// cache.
template <class Fn>
void for_strips(const Shape& image, Fn&& fn) {
  const std::size_t pixels = image.with_images(1).pixels();
  const std::size_t strip = std::max<std::size_t>(8, 4096 / static_cast<std::size_t>(image.channels));
  for (std::size_t begin = 0; begin < pixels; begin += strip) fn(begin, std::min(pixels, begin + strip));
}

// The transform of some channels.
template <class V>
struct LanesTransform {
  LanesTransform(const InputTransform& t, int first) : relu(t.relu) {
    if (t.factor == nullptr) return;
    mean = load_lanes<V>(t.mean + first);
    factor = load_lanes<V>(t.factor + first);
    shift = load_lanes<V>(t.shift + first);
  }
  V before_relu(const V& x) const { return (x - mean) * factor + shift; }
  V operator()(const V& x) const { return relu_if(relu, before_relu(x)); }
  bool relu;
  V mean = {}, factor = V() + 1.0f, shift = {};
};

inline void transform_image(ConstView x, const InputTransform& t, View y) {
  for_strips(x.shape, [&](std::size_t begin, std::size_t end) {
    for_lanes(x.shape.channels, [&](int first, auto lanes) {
      using V = decltype(lanes);
      const LanesTransform<V> value(t, first);
      for (std::size_t p = begin; p < end; ++p)
        store_lanes(value(load_lanes<V>(x.pixel(p) + first)), y.pixel(p) + first);
    });
  });
}

// moments[0][c]: mean; moments[1][c]: sum of squared deviations from it.
inline void image_moments(ConstView x, float* moments) {
  for_lanes(x.shape.channels, [&](int first, auto lanes) {
    using V = decltype(lanes);
    V sum = {}, squares = {};
    const std::size_t pixels = x.shape.pixels();
    for (std::size_t p = 0; p < pixels; ++p) sum += load_lanes<V>(x.pixel(p) + first);
    const V mean = sum / static_cast<float>(pixels);
    for (std::size_t p = 0; p < pixels; ++p) {
      const V deviation = load_lanes<V>(x.pixel(p) + first) - mean;
      squares += deviation * deviation;
    }
    store_lanes(mean, moments + first);
    store_lanes(squares, moments + x.shape.channels + first);
  });
}

// sums[c] += v.
template <class V>
void add_lanes(const V& v, float* sums) {
  store_lanes<V>(load_lanes<V>(sums) + v, sums);
}

// What BackwardEpilogue asks for, on the complete gradient of one image.
inline void finish_gradient(View dx, int image, const BackwardEpilogue& e) {
  if (e.x.data == nullptr || (!e.transform.relu && e.sums == nullptr)) return;
  const ConstView x = e.x.images(image, 1);
  const int channels = dx.shape.channels;
  float* const sums = e.sums == nullptr ? nullptr : e.sums + 2 * static_cast<std::ptrdiff_t>(image) * channels;
  if (sums != nullptr) std::fill_n(sums, 2 * channels, 0.0f);
  for_strips(dx.shape, [&](std::size_t begin, std::size_t end) {
    for_lanes(channels, [&](int first, auto lanes) {
      using V = decltype(lanes);
      const LanesTransform<V> value(e.transform, first);
      const V zero = {};
      V sum = {}, product = {};
      for (std::size_t p = begin; p < end; ++p) {
        const V from = load_lanes<V>(x.pixel(p) + first);
        V g = load_lanes<V>(dx.pixel(p) + first);
        if (e.transform.relu) {
          g = value.before_relu(from) > zero ? g : zero;
          store_lanes(g, dx.pixel(p) + first);
        }
        sum += g;
        product += g * (from - value.mean);
      }
      if (sums == nullptr) return;
      add_lanes(sum, sums + first);
      add_lanes(product, sums + channels + first);
    });
  });
}

}  // namespace fanin
