// InputTransform and the epilogues of conv2d.h in plain loops, for the layers that read a never-stored value without
// being a convolution. Everything works on the pixels of one image.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv2d.h"

#include <algorithm>
#include <type_traits>

namespace fanin {

// Calls fn(first channel, count) for channels in tiles. The count of a full tile is a compile-time constant, so that
// the sums of a tile stay in registers; with a count known only at run time they would go through memory.
template <class Fn>
void for_channel_tiles(int channels, Fn&& fn) {
  int c = 0;
  for (; c + 32 <= channels; c += 32) fn(c, std::integral_constant<int, 32>());
  for (; c + 16 <= channels; c += 16) fn(c, std::integral_constant<int, 16>());
  if (c < channels) fn(c, channels - c);
}
constexpr int kChannelTile = 32;

// The transform of a single channel, on the stack of whoever loops.
struct TransformTile {
  TransformTile(const InputTransform& t, int first, int count) {
    for (int j = 0; j < count; ++j) {
      mean[j] = t.factor == nullptr ? 0.0f : t.mean[first + j];
      factor[j] = t.factor == nullptr ? 1.0f : t.factor[first + j];
      shift[j] = t.factor == nullptr ? 0.0f : t.shift[first + j];
    }
  }
  float affine(float x, int j) const { return (x - mean[j]) * factor[j] + shift[j]; }
  alignas(64) float mean[kChannelTile], factor[kChannelTile], shift[kChannelTile];
};

inline float relu_if(bool relu, float v) { return relu && v < 0.0f ? 0.0f : v; }  // a NaN stays a NaN

inline void transform_image(ConstView x, const InputTransform& t, View y) {
  for_channel_tiles(x.shape.channels, [&](int first, auto count) {
    const TransformTile tile(t, first, count);
    for (std::size_t p = 0; p < x.shape.pixels(); ++p) {
      const float* const from = x.pixel(p) + first;
      alignas(64) float result[kChannelTile];  // y may be x: nothing is written before all of it is read
      for (int j = 0; j < count; ++j) result[j] = relu_if(t.relu, tile.affine(from[j], j));
      std::copy_n(result, static_cast<int>(count), y.pixel(p) + first);
    }
  });
}

// moments[0][c]: mean; moments[1][c]: sum of squared deviations from it.
inline void image_moments(ConstView x, float* moments) {
  for_channel_tiles(x.shape.channels, [&](int first, auto count) {
    alignas(64) float sum[kChannelTile] = {}, squares[kChannelTile] = {}, mean[kChannelTile];
    const std::size_t pixels = x.shape.pixels();
    for (std::size_t p = 0; p < pixels; ++p)
      for (int j = 0; j < count; ++j) sum[j] += x.pixel(p)[first + j];
    for (int j = 0; j < count; ++j) mean[j] = sum[j] / static_cast<float>(pixels);
    for (std::size_t p = 0; p < pixels; ++p)
      for (int j = 0; j < count; ++j) {
        const float deviation = x.pixel(p)[first + j] - mean[j];
        squares[j] += deviation * deviation;
      }
    std::copy_n(mean, static_cast<int>(count), moments + first);
    std::copy_n(squares, static_cast<int>(count), moments + x.shape.channels + first);
  });
}

// What BackwardEpilogue asks for, on the complete gradient of one image.
inline void finish_gradient(View dx, int image, const BackwardEpilogue& e) {
  if (e.x.data == nullptr || (!e.transform.relu && e.sums == nullptr)) return;
  const ConstView x = e.x.images(image, 1);
  const int channels = dx.shape.channels;
  for_channel_tiles(channels, [&](int first, auto count) {
    const TransformTile tile(e.transform, first, count);
    alignas(64) float sum[kChannelTile] = {}, product[kChannelTile] = {};
    for (std::size_t p = 0; p < dx.shape.pixels(); ++p) {
      const float* const from = x.pixel(p) + first;
      float* const g = dx.pixel(p) + first;
      alignas(64) float kept[kChannelTile];
      for (int j = 0; j < count; ++j) {
        const float all = g[j];  // loaded before the comparison: a load under a mask would wait for it
        kept[j] = !e.transform.relu || tile.affine(from[j], j) > 0.0f ? all : 0.0f;
        sum[j] += kept[j];
        product[j] += kept[j] * (from[j] - tile.mean[j]);
      }
      std::copy_n(kept, static_cast<int>(count), g);
    }
    if (e.sums == nullptr) return;
    float* const sums = e.sums + 2 * static_cast<std::ptrdiff_t>(image) * channels;
    std::copy_n(sum, static_cast<int>(count), sums + first);
    std::copy_n(product, static_cast<int>(count), sums + channels + first);
  });
}

}  // namespace fanin
