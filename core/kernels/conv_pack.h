// Loading and packing: BatchNorm and ReLU at the load, pixels into packs of channels, weights into panels.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv2d.h"
#include "core/kernels/micro.h"

#include <span>

namespace fanin {

// The InputTransform of up to kLanes channels, its numbers in registers. The order (x - mean) first, then one fused
// multiply-add, is that of the stand-alone BatchNorm.
template <bool kAffine, bool kRelu>
struct Loader {
  simd::Vec mean, factor, shift;
  Loader(const InputTransform& t, int first, int lanes) {
    if constexpr (kAffine) {
      mean = simd::load_n(t.mean + first, lanes);
      factor = simd::load_n(t.factor + first, lanes);
      shift = simd::load_n(t.shift + first, lanes);
    }
  }
  simd::Vec operator()(simd::Vec x) const {
    if constexpr (kAffine) x = simd::fma(simd::minus(x, mean), factor, shift);
    return kRelu ? simd::positive_part(x) : x;
  }
};

// The same in three roundings, as in transform.h, so that what is joined in a kernel and what a pass of its own joins
// (join.h) are the same bits.
struct Rounded {
  bool affine = false, relu = false;
  simd::Vec mean, factor, shift;
  Rounded() = default;
  Rounded(const InputTransform& t, int first, int lanes) : affine(t.factor != nullptr), relu(t.relu) {
    if (!affine) return;
    mean = simd::load_n(t.mean + first, lanes);
    factor = simd::load_n(t.factor + first, lanes);
    shift = simd::load_n(t.shift + first, lanes);
  }
  simd::Vec operator()(simd::Vec x) const {
    if (affine) x = simd::plus(simd::times(simd::minus(x, mean), factor), shift);
    return relu ? simd::positive_part(x) : x;
  }
};

// The same for a Gradient.
struct GradientLoader {
  simd::Vec factor, constant, slope, mean;
  GradientLoader(const Gradient& d, int first, int lanes)
      : factor(d.factor == nullptr ? simd::broadcast(1.0f) : simd::load_n(d.factor + first, lanes)),
        constant(simd::load_n(d.constant + first, lanes)),
        slope(simd::load_n(d.slope + first, lanes)),
        mean(simd::load_n(d.mean + first, lanes)) {}
  simd::Vec operator()(simd::Vec g, simd::Vec y) const {
    return simd::minus(simd::minus(simd::times(g, factor), constant), simd::times(slope, simd::minus(y, mean)));
  }
};

// fn.operator()<kAffine, kRelu>(): the four kinds of InputTransform as compile-time constants.
template <class Fn>
void with_transform(const InputTransform& t, Fn&& fn) {
  if (t.factor != nullptr) {
    if (t.relu) return fn.template operator()<true, true>();
    return fn.template operator()<true, false>();
  }
  if (t.relu) return fn.template operator()<false, true>();
  return fn.template operator()<false, false>();
}

// A run of pixels of a view: `channels` of them at most one pack, from channel `first` of x.
struct PackRun {
  const float* x;         // first pixel of the run, channel 0
  std::ptrdiff_t stride;  // floats between its pixels
  int pixels;
  int first, channels;
};

// to[pixel][kPack] = transformed channels, zero-filled up to kPack.
void pack_run(const InputTransform&, const PackRun&, float* to);
// The same of a gradient, pixels in a row from `pixel` on.
void pack_gradient_run(const Gradient&, std::size_t pixel, int pixels, int first, int channels, float* to);

// The same of a value that is joined on the way, all channels of pixels in a row from `pixel` on: it is written, and packed:
// to[pack of channels][pixel][kPack], packs `pack_stride` apart. streamed: written past the caches, for whoever comes
// much later.
void pack_joined(const Joined&, std::size_t pixel, int pixels, float* to, std::ptrdiff_t pack_stride, bool streamed);
// Whether that can be and pays: whole vectors, and too many for the caches to keep.
bool may_stream(View x);

// Groups as the tiles see them. Narrow groups are merged into one of up to kPack channels whose weights are block
// diagonal: four times the arithmetic of 4-wide groups, but in full vectors.
struct Grouping {
  int merge, count;           // original groups in a merged one; merged groups
  int in_single, out_single;  // channels of an original group
  int in, out;                // channels of a merged group
  int taps, out_channels;     // of the weight array
  explicit Grouping(const Conv2d& c);
};

// Rows of the weight matrix of a group under one tap: (input channels x output channels), or transposed.
struct WeightBlock {
  int group, tap;
  int first_row, rows;      // input channels, or output channels if transposed
  int first_column, lanes;  // the other ones; columns past the end are 0; a multiple of kLanes
};
void pack_weight_block(const Grouping&, const float* w, bool transposed, const WeightBlock&, float* to,
                       std::ptrdiff_t row_stride);
// The opposite for a single row, not transposed: dw += row, block diagonal only, nothing past the end.
void add_weight_row(const Grouping&, const float* row, const WeightBlock&, float* dw);

// dw += sum over chunks, in their order, of gradients that lie as [group][tap][input channel][padded output channels].
void add_weight_chunks(const Grouping&, float* partials, int chunks, std::size_t chunk_floats, float* dw);

// Weights of all groups for `multiply`: [group][panel][tap of `order`][row][vectors of the panel].
std::size_t packed_weight_floats(const Grouping&, bool transposed, int taps);
void pack_weights(const Grouping&, const float* w, bool transposed, std::span<const int> order, float* to);
// Where the weights of a panel start.
std::size_t packed_weight_offset(const Grouping&, bool transposed, int taps, int group, int panel);

}  // namespace fanin
