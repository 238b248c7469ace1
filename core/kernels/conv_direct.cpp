// Direct convolution: an image is copied once, group by group, into packed, zero-bordered planes, BatchNorm and ReLU
// folded into the copy; then a register tile (micro.h) runs over them without a branch.
//   Fits     any kernel, channels and groups; stride 1 and 2; padding < kernel.
//   Layout   Pack: [group][pack of 16 input channels][padded row][padded column][16]; so the addresses of a tile's
//            pixels are one pointer plus compile-time distances. Weights: [group][panel][tap][input channel][vectors].
//   Tile     a row of output pixels at a time, a panel of output channels over the whole image, so that its weights stay
//            in the cache.
//   Threads  a group (or some narrow ones) of an image is one block of work; weight gradients go to
//            kWeightGradientChunks private copies, added in order, or, where these would be large, to a single one, of
//            which each task has a slice.
//   backward_input is the forward tile over dy with flipped and transposed weights. With stride 2 the pixels of dx fall
//   into 4 classes by the parity of row and column; each sees its own taps (of a 3x3 kernel 1, 2, 2 and 4), at
//   neighbouring pixels of dy. So nothing is multiplied by the zeros of a spread-out dy.
//   Measurements: README.md of this folder.
// SPDX-License-Identifier: MIT
#include "core/kernels/conv_candidate.h"
#include "core/kernels/conv_epilogue.h"
#include "core/kernels/conv_pack.h"
#include "core/kernels/conv_tile.h"
#include "core/tensor/parallel.h"

#include <cstring>

namespace fanin {

namespace {

using micro::Ahead;
using micro::ceil_div;
using micro::Depth;
using micro::kLanes;
using micro::kPack;
using micro::Panels;
using micro::z;

constexpr int kMaxKernel = 7;

bool fits(const Conv2d& c, const Shape&, ConvProduct) {
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
int groups_together(const Grouping& g) {
  constexpr int kChannels = 64;
  int together = 1;
  for (int m = 2; m <= g.count && m * std::max(g.in, g.out) <= kChannels; ++m)
    if (g.count % m == 0) together = m;
  return together;
}

Planes forward_planes(const Conv2d& c, const Grouping& g, const Shape& y) {
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

Axis axis(const Conv2d& c) { return {c.kernel, c.stride, c.padding}; }

Planes backward_planes(const Conv2d& c, const Grouping& g, const Shape& dx) {
  return {axis(c).before(), axis(c).size(dx.height), axis(c).size(dx.width), g.out, groups_together(g)};
}

// A task: some groups of an image. Those of an image follow each other.
struct Task {
  int image, first_group;
};
int tasks_of_image(const Grouping& g, const Planes& planes) { return g.count / planes.groups; }
Task task_at(const Grouping& g, const Planes& planes, int index) {
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

void pack_planes(const Planes& planes, ConstView x, const InputTransform& t, const Task& task, float* to) {
  fill_planes(planes, x.shape, task, to, [&](std::size_t pixel, int pixels, int first, int channels, float* run) {
    pack_run(t, {x.pixel(pixel), x.stride, pixels, first, channels}, run);
  });
}
void pack_planes(const Planes& planes, const Gradient& dy, const Task& task, float* to) {
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

Taps forward_taps(const Conv2d& c, const Planes& planes) {
  Taps taps;
  for (int i = 0; i < c.kernel; ++i)
    for (int j = 0; j < c.kernel; ++j) taps.add(i * c.kernel + j, planes.offset(i, j));
  taps.classes[taps.class_count++] = {0, 0, 1, 0, taps.count};
  return taps;
}

Taps backward_taps(const Conv2d& c, const Planes& planes) {
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
void add_channels(Ahead& ahead, ConstView v, int image, int first, int channels) {
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

// One task: XS is the distance of the packed pixels under neighbouring output pixels. `e` is for backward_input.
template <int XS>
void run(const Grouping& g, const Planes& planes, const Taps& taps, bool transposed, const float* x, const float* w,
         View y, const Task& task, Write write, const BackwardEpilogue& e, Ahead& ahead) {
  const Panels panels{transposed ? g.in : g.out};
  const LaneWeights lanes(g, taps.count);
  const auto for_classes = [&](auto&& fn) {
    for (int k = 0; k < taps.class_count; ++k) {
      const PixelClass& c = taps.classes[k];
      if (c.taps == 0 && write == Write::add && (empty(e) || e.scaled)) continue;
      fn(c, Depth{taps.offsets + c.first_tap, c.taps, planes.channels, static_cast<std::ptrdiff_t>(planes.plane())});
    }
  };
  for (int group = task.first_group; group < task.first_group + planes.groups; ++group, x += planes.group_floats()) {
    const int channel = group * panels.channels;
    if (g.in_lanes()) {
      micro::with_lane_group(g.in_single, [&]<int G>() {
        for (int v = 0; v < lanes.vectors; ++v)
          for_classes([&](const PixelClass& c, const Depth& depth) {
            const int last_lanes = std::min(kLanes, panels.channels - v * kLanes);
            const float* const weights = w + lanes.offset(group, v, c.first_tap);
            for_rows(c, y, task, write, e, channel + v * kLanes, last_lanes, [&](int r, const auto& sink) {
              micro::multiply_lanes_row<G, XS>(c.columns(y.shape.width), depth,
                                               x + planes.offset(r * XS, 0) + v * kLanes, weights, sink, ahead);
            });
          });
      });
      continue;
    }
    for (int panel = 0; panel < panels.count(); ++panel)
      micro::with_width(panels.width(panel), [&]<int V>() {
        for_classes([&](const PixelClass& c, const Depth& depth) {
          const float* const weights = w + packed_weight_offset(g, transposed, taps.count, group, panel) +
                                       z(c.first_tap * planes.channels * V) * kLanes;
          for_rows(c, y, task, write, e, channel + panels.first_channel(panel), panels.last_lanes(panel),
                   [&](int r, const auto& sink) {
                     micro::multiply_row<V, XS>(c.columns(y.shape.width), depth, x + planes.offset(r * XS, 0), weights,
                                                sink, ahead);
                   });
        });
      });
  }
}

// The weights of all groups, as the tiles read them.
std::size_t weight_floats(const Grouping& g, bool transposed, int taps) {
  return g.in_lanes() ? z(g.count) * LaneWeights(g, taps).group_floats() : packed_weight_floats(g, transposed, taps);
}
void pack(const Grouping& g, const float* w, bool transposed, std::span<const int> order, float* to) {
  if (g.in_lanes()) return pack_lane_weights(g, w, transposed, order, to);
  pack_weights(g, w, transposed, order, to);
}

void forward(const Conv2d& c, ConstView x, const InputTransform& t, const float* w, View y, const ForwardEpilogue& e,
             std::span<float> scratch) {
  const Grouping g(c);
  const Planes planes = forward_planes(c, g, y.shape);
  const Taps taps = forward_taps(c, planes);
  Scratch parts(scratch);
  float* const weights = parts.take(weight_floats(g, false, taps.count));
  float* const packs = parts.take(0);
  pack(g, w, false, {taps.order, z(taps.count)}, weights);
  const Write write = in_place(e, y) ? Write::add : Write::overwrite;
  parallel_for(y.shape.images * tasks_of_image(g, planes), [&](int index) {
    float* const packed = packs + z(omp_get_thread_num()) * planes.floats();
    const Task task = task_at(g, planes, index), next = task_at(g, planes, index + 1);
    pack_planes(planes, x, t, task, packed);
    Ahead ahead;
    add_channels(ahead, y, next.image, next.first_group * g.out, planes.groups * g.out);
    add_channels(ahead, x, next.image, next.first_group * g.in, planes.groups * g.in);
    if (c.stride == 1)
      run<1>(g, planes, taps, false, packed, weights, y, task, write, {}, ahead);
    else
      run<2>(g, planes, taps, false, packed, weights, y, task, write, {}, ahead);
    const int pixels = y.shape.height * y.shape.width;
    finish_forward(e, y, {task.image, 0, pixels, task.first_group * g.out, planes.groups * g.out});
  });
}

void backward_input(const Conv2d& c, ConstView dy, const float* w, View dx, Write write, const BackwardEpilogue& e,
                    std::span<float> scratch) {
  const Grouping g(c);
  const Planes planes = backward_planes(c, g, dx.shape);
  const Taps taps = backward_taps(c, planes);
  Scratch parts(scratch);
  float* const weights = parts.take(weight_floats(g, true, taps.count));
  float* const packs = parts.take(0);
  pack(g, w, true, {taps.order, z(taps.count)}, weights);
  parallel_for(dx.shape.images * tasks_of_image(g, planes), [&](int index) {
    float* const packed = packs + z(omp_get_thread_num()) * planes.floats();
    const Task task = task_at(g, planes, index), next = task_at(g, planes, index + 1);
    pack_planes(planes, dy, {}, task, packed);
    clear_sums(e, dx.shape, task.image, task.first_group * g.in, planes.groups * g.in);
    Ahead ahead;
    if (!empty(e)) add_channels(ahead, e.x, next.image, next.first_group * g.in, planes.groups * g.in);
    add_channels(ahead, dx, next.image, next.first_group * g.in, planes.groups * g.in);
    add_channels(ahead, dy, next.image, next.first_group * g.out, planes.groups * g.out);
    run<1>(g, planes, taps, true, packed, weights, dx, task, write, e, ahead);
  });
}

// How weight gradients are shared out: over ranges of images with a private copy each, or, where copies would be large,
// over slices of each group's panels, all images one after the other. Then there are a few tasks for each thread, and a
// slice stays in the L2 cache.
struct Share {
  int chunks, slices;
  int panels;  // of a group
  int first(int slice) const { return slice * panels / slices; }
};

std::size_t gradient_floats(const Grouping& g) {
  if (g.in_lanes()) return Scratch::rounded(weight_floats(g, false, g.taps));
  return Scratch::rounded(z(g.count * g.taps) * z(g.in) * z(Panels{g.out}.padded()));
}

Share share(const Grouping& g, const Planes& planes, int images) {
  constexpr std::size_t kLarge = 512 * 512, kSlice = 384 * 1024;
  constexpr int kLeastTasks = 4;
  const int panels = Panels{g.out}.count();
  if (gradient_floats(g) <= kLarge) return {std::min(kWeightGradientChunks, images), 1, panels};
  const int least = ceil_div(kLeastTasks, tasks_of_image(g, planes));
  const int slices = least * ceil_div(static_cast<int>(gradient_floats(g) / z(g.count)), least * int{kSlice});
  return {1, std::min(slices, panels), panels};
}

// Channels of the widest slice, in whole packs.
int slice_channels(const Share& s) {
  return micro::packs(ceil_div(s.panels, s.slices) * micro::kWidest * kLanes) * kPack;
}

// Pixels that are summed up together, so that their dy comes from the L1 cache for every tap and input channel.
constexpr int kCorrelated = 128;

// Pixels of y in bands of rows: fn(first row, rows).
template <class Fn>
void for_bands(const Shape& y, Fn&& fn) {
  const int band = std::max(1, kCorrelated / y.width);
  for (int row = 0; row < y.height; row += band) fn(row, std::min(band, y.height - row));
}

// dw of a group that is in_lanes, in the order of LaneWeights. Packed rows of dy are `dy_row` floats apart.
template <int XS>
void correlate_lanes(const Conv2d& c, const Grouping& g, const Planes& planes, const float* x, const Shape& s,
                     int group, const float* dy, std::ptrdiff_t dy_row, float* dw, Ahead& ahead) {
  const LaneWeights lanes(g, g.taps);
  for_bands(s, [&](int row, int rows) {
    const micro::Pixels pixels{rows, s.width, planes.offset(XS, 0), dy_row, kPack, 0};
    for (int v = 0; v < lanes.vectors; ++v)
      for (int i = 0; i < c.kernel; ++i)
        micro::with_lane_group(g.in_single, [&]<int G>() {
          micro::correlate_lanes_row<G, XS>(c.kernel, pixels, x + planes.offset(row * XS + i, 0) + v * kLanes,
                                            dy + row * dy_row + v * kLanes, dw + lanes.offset(group, v, i * c.kernel),
                                            ahead);
        });
  });
}
void correlate_lanes(const Conv2d& c, const Grouping& g, const Planes& planes, const float* x, const Shape& s,
                     int group, const float* dy, std::ptrdiff_t dy_row, float* dw, Ahead& ahead) {
  if (c.stride == 1) return correlate_lanes<1>(c, g, planes, x, s, group, dy, dy_row, dw, ahead);
  correlate_lanes<2>(c, g, planes, x, s, group, dy, dy_row, dw, ahead);
}

// dw of a task's groups and of panels [first, end). dy is packed from the first of these panels on. Rows of dw are padded
// to whole vectors: [group][tap][input channel][vectors].
template <int XS>
void correlate(const Conv2d& c, const Grouping& g, const Planes& planes, const float* x, const Shape& s, int group,
               const float* dy, int first, int end, float* dw, Ahead& ahead) {
  const Panels panels{g.out};
  const int dy_pack = s.height * s.width * kPack;
  dw += z(group * g.taps * g.in) * z(panels.padded());
  for_bands(s, [&](int row, int rows) {
    for (int panel = first; panel < end; ++panel)
      micro::with_width(panels.width(panel), [&]<int V>() {
        const int vector = panels.vectors(first, panel);
        const micro::Pixels pixels{rows, s.width, planes.offset(XS, 0), s.width * kPack, kPack, dy_pack, vector};
        for (int tap = 0; tap < g.taps; ++tap)
          micro::correlate_rows<V, XS>(
              pixels, g.in, x + planes.offset(row * XS + tap / c.kernel, tap % c.kernel),
              static_cast<std::ptrdiff_t>(planes.plane()), dy + row * s.width * kPack,
              {dw + z(tap * g.in) * z(panels.padded()) + panels.first_channel(panel), panels.padded()}, ahead);
      });
  });
}

// Zeros for `groups` groups from `group` on, in panels [first, end).
void clear_panels(const Grouping& g, int group, int groups, int first, int end, float* dw) {
  const LaneWeights lanes(g, g.taps);
  if (g.in_lanes()) return void(std::fill_n(dw + lanes.offset(group, 0, 0), z(groups) * lanes.group_floats(), 0.0f));
  const Panels panels{g.out};
  const int begin = panels.first_channel(first), past = panels.first_channel(end);
  const int rows = g.taps * g.in;
  for (int row = group * rows; row < (group + groups) * rows; ++row)
    std::fill_n(dw + z(row) * z(panels.padded()) + z(begin), past - begin, 0.0f);
}

void pack_gradient(ConstView dy, int image, int first, int end, float* to) {  // these channels
  const int pixels = dy.shape.height * dy.shape.width;
  for (int c = first; c < end; c += kPack, to += z(pixels) * kPack)
    pack_run({}, {dy.pixel(z(image) * z(pixels)), dy.stride, pixels, c, std::min(kPack, end - c)}, to);
}

void backward_weights(const Conv2d& c, ConstView x, const InputTransform& t, ConstView dy, float* dw,
                      std::span<float> scratch) {
  const Grouping g(c);
  const Panels panels{g.out};
  const Planes planes = forward_planes(c, g, dy.shape);
  const int images = dy.shape.images, units = tasks_of_image(g, planes);
  const Share s = share(g, planes, images);
  const std::size_t size = gradient_floats(g), dy_floats = z(dy.shape.height * dy.shape.width) * z(slice_channels(s));
  Scratch parts(scratch);
  float* const partials = parts.take(z(s.chunks) * size);
  float* const packs = parts.take(0);
  parallel_for(s.chunks * units * s.slices, [&](int index) {
    const int chunk = index / (units * s.slices), unit = index / s.slices % units, slice = index % s.slices;
    float* const partial = partials + z(chunk) * size;
    float* const packed_x = packs + z(omp_get_thread_num()) * (planes.floats() + dy_floats);
    float* const packed_dy = packed_x + planes.floats();
    const int first = s.first(slice), end = s.first(slice + 1), first_group = unit * planes.groups;
    const int channel = panels.first_channel(first), past = panels.end_channel(end);
    clear_panels(g, first_group, planes.groups, first, end, partial);
    for (int n = chunk * images / s.chunks; n < (chunk + 1) * images / s.chunks; ++n) {
      pack_planes(planes, x, t, {n, first_group}, packed_x);
      Ahead ahead;
      add_channels(ahead, dy, n + 1, first_group * g.out + channel, (planes.groups - 1) * g.out + past - channel);
      add_channels(ahead, x, n + 1, first_group * g.in, planes.groups * g.in);
      for (int group = first_group; group < first_group + planes.groups; ++group) {
        pack_gradient(dy, n, group * g.out + channel, group * g.out + past, packed_dy);
        const float* const group_x = packed_x + z(group - first_group) * planes.group_floats();
        if (g.in_lanes())
          correlate_lanes(c, g, planes, group_x, dy.shape, group, packed_dy, dy.shape.width * kPack, partial, ahead);
        else if (c.stride == 1)
          correlate<1>(c, g, planes, group_x, dy.shape, group, packed_dy, first, end, partial, ahead);
        else
          correlate<2>(c, g, planes, group_x, dy.shape, group, packed_dy, first, end, partial, ahead);
      }
    }
  });
  if (g.in_lanes()) return add_lane_weight_chunks(g, partials, s.chunks, size, dw);
  add_weight_chunks(g, partials, s.chunks, size, dw);
}

// Both gradients of groups that are in_lanes: so little is computed there that memory is what takes time, and here each
// number comes from it once.
bool fits_backward(const Conv2d& c) { return Grouping(c).in_lanes(); }

std::size_t backward_scratch(const Conv2d& c, const Shape& x, int threads) {
  const Grouping g(c);
  const Planes from = forward_planes(c, g, c.output_shape(x)), to = backward_planes(c, g, x);
  return Scratch::rounded(weight_floats(g, true, g.taps)) + kWeightGradientChunks * gradient_floats(g) +
         z(threads) * (from.floats() + to.floats());
}

void backward(const Conv2d& c, ConstView x, const InputTransform& t, const Gradient& dy, const float* w, View dx,
              Write write, const BackwardEpilogue& e, float* dw, std::span<float> scratch) {
  const Grouping g(c);
  const Planes planes = forward_planes(c, g, dy.shape()), dy_planes = backward_planes(c, g, dx.shape);
  const Taps taps = backward_taps(c, dy_planes);
  const int images = dx.shape.images, units = tasks_of_image(g, planes);
  const int chunks = std::min(kWeightGradientChunks, images), channels = planes.groups * g.in;
  const std::size_t size = gradient_floats(g), floats = planes.floats() + dy_planes.floats();
  Scratch parts(scratch);
  float* const weights = parts.take(weight_floats(g, true, taps.count));
  float* const partials = parts.take(kWeightGradientChunks * size);
  float* const packs = parts.take(0);
  pack(g, w, true, {taps.order, z(taps.count)}, weights);
  parallel_for(chunks * units, [&](int index) {
    const int chunk = index / units, first_group = index % units * planes.groups, channel = first_group * g.in;
    float* const partial = partials + z(chunk) * size;
    float* const packed_x = packs + z(omp_get_thread_num()) * floats;
    float* const packed_dy = packed_x + planes.floats();
    clear_panels(g, first_group, planes.groups, 0, 0, partial);
    for (int n = chunk * images / chunks; n < (chunk + 1) * images / chunks; ++n) {
      const Task task{n, first_group};
      pack_planes(planes, x, t, task, packed_x);
      pack_planes(dy_planes, dy, task, packed_dy);
      clear_sums(e, dx.shape, n, channel, channels);
      Ahead ahead;
      for (const ConstView v : {ConstView(dx), dy.y, dy.g, x}) add_channels(ahead, v, n + 1, channel, channels);
      for (int i = 0; i < planes.groups; ++i)
        correlate_lanes(
            c, g, planes, packed_x + z(i) * planes.group_floats(), dy.shape(), first_group + i,
            packed_dy + z(i) * dy_planes.group_floats() + dy_planes.offset(dy_planes.before, dy_planes.before),
            dy_planes.offset(1, 0), partial, ahead);
      run<1>(g, dy_planes, taps, true, packed_dy, weights, dx, task, write, e, ahead);
    }
  });
  add_lane_weight_chunks(g, partials, chunks, size, dw);
}

std::size_t scratch_floats(const Conv2d& c, const Shape& x, ConvProduct product, int threads) {
  const Grouping g(c);
  const Shape y = c.output_shape(x);
  const Planes f = forward_planes(c, g, y), b = backward_planes(c, g, x);
  switch (product) {
    case ConvProduct::forward: return Scratch::rounded(weight_floats(g, false, g.taps)) + z(threads) * f.floats();
    case ConvProduct::backward_input: return Scratch::rounded(weight_floats(g, true, g.taps)) + z(threads) * b.floats();
    case ConvProduct::backward_weights: break;
  }
  const Share s = share(g, f, x.images);
  return z(s.chunks) * gradient_floats(g) + z(threads) * (f.floats() + z(y.height * y.width) * z(slice_channels(s)));
}

std::string tile(const Conv2d& c, const Shape&, ConvProduct product) {
  const Grouping g(c);
  if (!g.in_lanes()) return register_tile(c, product);
  const std::string rows = product == ConvProduct::backward_weights
                               ? std::to_string(micro::kLaneTaps) + " taps"
                               : std::to_string(micro::lane_tile_height(g.in_single)) + "px";
  return rows + " x " + std::to_string(std::min(micro::kSwaps, g.in_single)) + " swaps of lanes";
}

}  // namespace

const ConvCandidate conv_direct = {
    .name = "direct",
    .fits = fits,
    .tile = tile,
    .scratch = scratch_floats,
    .forward = forward,
    .backward_input = backward_input,
    .backward_weights = backward_weights,
    .backward_scratch = backward_scratch,
    .backward = backward,
    .fits_backward = fits_backward,
    .loads_gradient = true,
};

}  // namespace fanin
