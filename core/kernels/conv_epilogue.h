// What a product does besides. Forward: passes over pixels that were just written and are still in the cache.
// backward_input: on tiles and patches on their way to memory. Rungs call both for the pixels of an image in an order
// of their choice that depends on shapes alone.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv2d.h"
#include "core/kernels/micro.h"

namespace fanin {

inline bool empty(const ForwardEpilogue& e) { return e.add.data == nullptr && e.moments == nullptr; }
// The other operand of the sum lies in y: then the product itself adds to y.
inline bool in_place(const ForwardEpilogue& e, ConstView y) { return e.add.data != nullptr && e.add.data == y.data; }
inline bool takes_sums(const BackwardEpilogue& e) {
  return e.sums != nullptr || e.others[0].sums != nullptr || e.others[1].sums != nullptr;
}
inline bool empty(const BackwardEpilogue& e) {
  return e.x.data == nullptr || (!e.transform.relu && !takes_sums(e) && !e.scaled);
}

// `channels` of y from `first_channel` on: y += add, and their moments. Pixels before `first` of the image are done.
struct Piece {
  int image;
  int first, count;  // pixels of the image
  int first_channel, channels;
};
void finish_forward(const ForwardEpilogue&, View y, const Piece&);

// A rectangle of dv that was just computed: `rows` x `columns` pixels of an image, `channels` from `channel` on, their
// columns `step` pixels apart in dx.
struct GradientPatch {
  const float* dv;
  std::ptrdiff_t dv_stride;  // floats between pixels; rows follow each other
  int rows, columns;
  int image;
  std::size_t pixel;  // the first, in dx and x
  int step, row_pixels;
  int channel, channels;
};
void finish_patch(const BackwardEpilogue&, View dx, Write, const GradientPatch&);
// `channels` of the sums of an image, before its first patch.
void clear_sums(const BackwardEpilogue&, const Shape& dx, int image, int first_channel, int channels);
inline void clear_sums(const BackwardEpilogue& e, const Shape& dx, int image) {
  clear_sums(e, dx, image, 0, dx.channels);
}

// Where micro::multiply leaves a tile that finish_patch takes on, instead of micro::Target.
struct GradientTarget {
  const BackwardEpilogue& e;
  const View& dx;
  Write write;
  int image;
  std::size_t pixel;
  int step, channel, last_lanes;

  void advance(int pixels) { pixel += static_cast<std::size_t>(pixels * step); }

  template <int P, int V>
  void store(const simd::Vec (&sum)[P][V]) const {
    alignas(64) float tile[P][V * simd::kLanes];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) simd::store(sum[p][v], &tile[p][v * simd::kLanes]);
    finish_patch(
        e, dx, write,
        {&tile[0][0], V * simd::kLanes, 1, P, image, pixel, step, 0, channel, (V - 1) * simd::kLanes + last_lanes});
  }
};

// Calls fn with the sink for a tile whose first pixel is `pixel`: the plain one where there is nothing to finish.
template <class Fn>
void with_sink(const BackwardEpilogue& e, const View& dx, Write write, const GradientTarget& target, Fn&& fn) {
  if (!empty(e)) return fn(target);
  fn(micro::Target{dx.pixel(target.pixel) + target.channel, target.step * dx.stride, target.last_lanes,
                   write == Write::add});
}

inline Piece whole_image(ConstView y, int image) {
  return {image, 0, y.shape.height * y.shape.width, 0, y.shape.channels};
}

}  // namespace fanin
