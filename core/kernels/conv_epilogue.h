// What a product does besides, as passes over pixels that were just written and are still in the cache. Rungs call
// them for the pixels of an image from first to last, in pieces of their choice.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv2d.h"

namespace fanin {

inline bool empty(const ForwardEpilogue& e) { return e.add.data == nullptr && e.moments == nullptr; }
// The other operand of the sum lies in y: then the product itself adds to y.
inline bool in_place(const ForwardEpilogue& e, ConstView y) { return e.add.data != nullptr && e.add.data == y.data; }
inline bool empty(const BackwardEpilogue& e) { return e.x.data == nullptr || (!e.transform.relu && e.sums == nullptr); }

// `channels` of y from `first_channel` on: y += add, and their moments. Pixels before `first` of the image are done.
struct Piece {
  int image;
  int first, count;  // pixels of the image
  int first_channel, channels;
};
void finish_forward(const ForwardEpilogue&, View y, const Piece&);
void finish_backward(const BackwardEpilogue&, View dx, const Piece&);

inline Piece whole_image(ConstView y, int image) {
  return {image, 0, y.shape.height * y.shape.width, 0, y.shape.channels};
}

}  // namespace fanin
