// What direct and grouped convolutions share: planes that images are packed into, the taps and classes of pixels of a
// product, and the order in which these are gone through.
//   Layout   [group][pack of 16 channels][padded row][padded column][16], zeros around; so the addresses of a tile's pixels
//            are one pointer plus compile-time distances.
//   Tasks    a group of an image, or some narrow ones.
//   Classes  backward_input is the forward tile over dy with flipped and transposed weights. With stride 2 the pixels of
//            dx fall into 4 classes by the parity of row and column; each sees its own taps (of a 3x3 kernel 1, 2, 2 and
//            4), at neighbouring pixels of dy. So nothing is multiplied by the zeros of a spread-out dy.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv_epilogue.h"
#include "core/kernels/conv_pack.h"

#include <cstring>

namespace fanin::direct {

using micro::Ahead;
using micro::ceil_div;
using micro::Depth;
using micro::kPack;
using micro::z;

constexpr int kMaxKernel = 7;

// What planes and taps are made for.
inline bool has_planes(const Conv2d& c) {
  return c.kernel <= kMaxKernel && (c.stride == 1 || c.stride == 2) && c.padding < c.kernel;
}

// The planes that some groups of an image are packed into. `before`: zero pixels above and to the left.
struct Planes {
  int before, rows, columns, channels, groups;
  std::size_t plane() const { return z(rows) * z(columns) * kPack; }
  std::size_t group_floats() const { return plane() * z(micro::packs(channels)); }
  std::size_t floats() const { return group_floats() * z(groups); }
  std::ptrdiff_t offset(int row, int column) const { return (std::ptrdiff_t{row} * columns + column) * kPack; }
};

// Groups are packed one by one, since all planes of an image with many channels are more than the L2 cache holds; narrow
// ones together, so that a pixel gives more than a cache line.
inline int groups_together(const Grouping& g) {
  constexpr int kChannels = 64;
  int together = 1;
  for (int m = 2; m <= g.count && m * std::max(g.in, g.out) <= kChannels; ++m)
    if (g.count % m == 0) together = m;
  return together;
}

inline Planes forward_planes(const Conv2d& c, const Grouping& g, const Shape& y) {
  return {c.padding, (y.height - 1) * c.stride + c.kernel, (y.width - 1) * c.stride + c.kernel, g.in,
          groups_together(g)};
}

// Output pixels h = class + stride * r along one axis, and the taps that reach them: dy's row is r + reach(tap).
struct Axis {
  int kernel, stride, padding;
  bool uses(int phase, int tap) const { return (phase + padding - tap) % stride == 0; }
  int reach(int phase, int tap) const { return (phase + padding - tap) / stride; }
  int before() const { return ceil_div(std::max(0, kernel - 1 - padding), stride); }
  int size(int out) const {  // of a plane: the last pixel, its furthest tap, and the border
    return before() + ceil_div(out, stride) + (stride - 1 + padding) / stride;
  }
};

inline Axis axis(const Conv2d& c) { return {c.kernel, c.stride, c.padding}; }

inline Planes backward_planes(const Conv2d& c, const Grouping& g, const Shape& dx) {
  return {axis(c).before(), axis(c).size(dx.height), axis(c).size(dx.width), g.out, groups_together(g)};
}

// A task: some groups of an image. Those of an image follow each other.
struct Task {
  int image, first_group;
};
inline int tasks_of_image(const Grouping& g, const Planes& planes) { return g.count / planes.groups; }
inline Task task_at(const Grouping& g, const Planes& planes, int index) {
  const int tasks = tasks_of_image(g, planes);
  return {index / tasks, index % tasks * planes.groups};
}

// Copies a task's channels of some pixels into the planes; what a plane has no room for is never read.
// pack(first pixel, pixels, first channel, channels, to): a run of a row.
template <class Pack>
void fill_planes(const Planes& planes, const Shape& s, const Task& task, float* to, Pack&& pack) {
  const int height = std::min(s.height, planes.rows - planes.before);
  const int width = std::min(s.width, planes.columns - planes.before);
  const std::size_t left = z(planes.before) * kPack, right = z(planes.columns - planes.before - width) * kPack;
  for (int g = task.first_group; g < task.first_group + planes.groups; ++g)
    for (int c = 0; c < planes.channels; c += kPack, to += planes.plane()) {
      float* row = to;
      std::memset(row, 0, z(planes.before * planes.columns) * kPack * sizeof(float));
      row += planes.before * planes.columns * kPack;
      for (int h = 0; h < height; ++h, row += planes.columns * kPack) {
        std::memset(row, 0, left * sizeof(float));
        const std::size_t pixel = (z(task.image) * z(s.height) + z(h)) * z(s.width);
        pack(pixel, width, g * planes.channels + c, std::min(kPack, planes.channels - c), row + left);
        std::memset(row + left + z(width) * kPack, 0, right * sizeof(float));
      }
      std::memset(row, 0, z((planes.rows - planes.before - height) * planes.columns) * kPack * sizeof(float));
    }
}

inline void pack_planes(const Planes& planes, ConstView x, const InputTransform& t, const Task& task, float* to) {
  fill_planes(planes, x.shape, task, to, [&](std::size_t pixel, int pixels, int first, int channels, float* run) {
    pack_run(t, {x.pixel(pixel), x.stride, pixels, first, channels}, run);
  });
}
inline void pack_planes(const Planes& planes, const Gradient& dy, const Task& task, float* to) {
  fill_planes(planes, dy.shape(), task, to, [&](std::size_t pixel, int pixels, int first, int channels, float* run) {
    pack_gradient_run(dy, pixel, pixels, first, channels, run);
  });
}

// Pixels of an output image that share their taps: every `step`-th from (row, column) on.
struct PixelClass {
  int row, column, step;
  int first_tap, taps;
  int rows(int height) const { return ceil_div(height - row, step); }
  int columns(int width) const { return ceil_div(width - column, step); }
};

// Everything that a product needs to know about taps: their order in the packed weights and where each reads.
struct Taps {
  int order[kMaxKernel * kMaxKernel];
  std::ptrdiff_t offsets[kMaxKernel * kMaxKernel];
  PixelClass classes[4];
  int count = 0, class_count = 0;
  void add(int tap, std::ptrdiff_t offset) {
    order[count] = tap;
    offsets[count++] = offset;
  }
};

inline Taps forward_taps(const Conv2d& c, const Planes& planes) {
  Taps taps;
  for (int i = 0; i < c.kernel; ++i)
    for (int j = 0; j < c.kernel; ++j) taps.add(i * c.kernel + j, planes.offset(i, j));
  taps.classes[taps.class_count++] = {0, 0, 1, 0, taps.count};
  return taps;
}

inline Taps backward_taps(const Conv2d& c, const Planes& planes) {
  Taps taps;
  const Axis a = axis(c);
  for (int row = 0; row < c.stride; ++row)
    for (int column = 0; column < c.stride; ++column) {
      const int first = taps.count;
      for (int i = 0; i < c.kernel; ++i)
        for (int j = 0; j < c.kernel; ++j)
          if (a.uses(row, i) && a.uses(column, j))
            taps.add(i * c.kernel + j,
                     planes.offset(planes.before + a.reach(row, i), planes.before + a.reach(column, j)));
      taps.classes[taps.class_count++] = {row, column, c.stride, first, taps.count - first};
    }
  return taps;
}

// `channels` of an image from `first` on, if there is such an image.
inline void add_channels(Ahead& ahead, ConstView v, int image, int first, int channels) {
  const int pixels = v.shape.height * v.shape.width;
  if (v.data == nullptr || image >= v.shape.images) return;
  ahead.add(v.pixel(z(image) * z(pixels)) + first, v.stride, pixels, channels);
}

// Calls fn(row of the class, sink for its pixels) for output channels from `channel` on.
template <class Fn>
void for_rows(const PixelClass& c, View y, const Task& task, Write write, const BackwardEpilogue& e, int channel,
              int last_lanes, Fn&& fn) {
  for (int r = 0; r < c.rows(y.shape.height); ++r) {
    const std::size_t row = z(task.image) * z(y.shape.height) + z(c.row + r * c.step);
    const std::size_t pixel = row * z(y.shape.width) + z(c.column);
    with_sink(e, y, write, GradientTarget{e, y, write, task.image, pixel, c.step, channel, last_lanes},
              [&](const auto& sink) { fn(r, sink); });
  }
}

// The same for all classes that have something to do: fn(class, the taps of a tile of it).
template <class Fn>
void for_classes(const Taps& taps, const Planes& planes, Write write, const BackwardEpilogue& e, Fn&& fn) {
  for (int k = 0; k < taps.class_count; ++k) {
    const PixelClass& c = taps.classes[k];
    if (c.taps == 0 && write == Write::add && (empty(e) || e.scaled)) continue;
    fn(c, Depth{taps.offsets + c.first_tap, c.taps, planes.channels, static_cast<std::ptrdiff_t>(planes.plane())});
  }
}

// Pixels that weight gradients sum up together, so that their dy comes from the L1 cache for every tap and channel.
// fn(first row, rows).
constexpr int kCorrelated = 128;
template <class Fn>
void for_bands(const Shape& y, Fn&& fn) {
  const int band = std::max(1, kCorrelated / y.width);
  for (int row = 0; row < y.height; row += band) fn(row, std::min(band, y.height - row));
}

}  // namespace fanin::direct
