// Direct convolution: an image is copied once, group by group, into packed, zero-bordered planes (direct_planes.h),
// BatchNorm and ReLU folded into the copy; then a register tile (micro.h) runs over them without a branch.
//   Fits     kernels up to 7x7, any channels and groups; stride 1 and 2; padding < kernel.
//   Layout   Weights: [group][panel][tap][input channel][vectors].
//   Tile     a row of output pixels at a time, a panel of output channels over the whole image, so that its weights stay
//            in the cache.
//   Threads  a group (or some narrow ones) of an image is one block of work; weight gradients go to
//            kWeightGradientChunks private copies, added in order, or, where these would be large, to a single one, of
//            which each task has a slice.
//   Measurements: README.md of this folder.
// SPDX-License-Identifier: MIT
#include "core/kernels/conv_candidate.h"
#include "core/kernels/conv_tile.h"
#include "core/kernels/direct_planes.h"
#include "core/tensor/parallel.h"

namespace fanin::direct {

namespace {

using micro::kLanes;
using micro::Panels;

bool fits(const Conv2d& c, const Shape&, ConvProduct) { return has_planes(c); }

// One task: XS is the distance of the packed pixels under neighbouring output pixels. `e` is for backward_input.
template <int XS>
void run(const Grouping& g, const Planes& planes, const Taps& taps, bool transposed, const float* x, const float* w,
         View y, const Task& task, Write write, const BackwardEpilogue& e, Ahead& ahead) {
  const Panels panels{transposed ? g.in : g.out};
  for (int group = task.first_group; group < task.first_group + planes.groups; ++group, x += planes.group_floats())
    for (int panel = 0; panel < panels.count(); ++panel)
      micro::with_width(panels.width(panel), [&]<int V>() {
        for_classes(taps, planes, write, e, [&](const PixelClass& c, const Depth& depth) {
          const float* const weights = w + packed_weight_offset(g, transposed, taps.count, group, panel) +
                                       z(c.first_tap * planes.channels * V) * kLanes;
          const int channel = group * panels.channels + panels.first_channel(panel);
          for_rows(c, y, task, write, e, channel, panels.last_lanes(panel), [&](int r, const auto& sink) {
            micro::multiply_row<V, XS>(c.columns(y.shape.width), depth, x + planes.offset(r * XS, 0), weights, sink,
                                       ahead);
          });
        });
      });
}

void forward(const Conv2d& c, ConstView x, const InputTransform& t, const float* w, View y, const ForwardEpilogue& e,
             std::span<float> scratch) {
  const Grouping g(c);
  const Planes planes = forward_planes(c, g, y.shape);
  const Taps taps = forward_taps(c, planes);
  Scratch parts(scratch);
  float* const weights = parts.take(packed_weight_floats(g, false, taps.count));
  float* const packs = parts.take(0);
  pack_weights(g, w, false, {taps.order, z(taps.count)}, weights);
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
  float* const weights = parts.take(packed_weight_floats(g, true, taps.count));
  float* const packs = parts.take(0);
  pack_weights(g, w, true, {taps.order, z(taps.count)}, weights);
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
        if (c.stride == 1)
          correlate<1>(c, g, planes, group_x, dy.shape, group, packed_dy, first, end, partial, ahead);
        else
          correlate<2>(c, g, planes, group_x, dy.shape, group, packed_dy, first, end, partial, ahead);
      }
    }
  });
  add_weight_chunks(g, partials, s.chunks, size, dw);
}

std::size_t scratch_floats(const Conv2d& c, const Shape& x, ConvProduct product, int threads) {
  const Grouping g(c);
  const Shape y = c.output_shape(x);
  const Planes f = forward_planes(c, g, y), b = backward_planes(c, g, x);
  switch (product) {
    case ConvProduct::forward:
      return Scratch::rounded(packed_weight_floats(g, false, g.taps)) + z(threads) * f.floats();
    case ConvProduct::backward_input:
      return Scratch::rounded(packed_weight_floats(g, true, g.taps)) + z(threads) * b.floats();
    case ConvProduct::backward_weights: break;
  }
  const Share s = share(g, f, x.images);
  return z(s.chunks) * gradient_floats(g) + z(threads) * (f.floats() + z(y.height * y.width) * z(slice_channels(s)));
}

std::string tile(const Conv2d& c, const Shape&, ConvProduct product) { return register_tile(c, product); }

constexpr ConvCandidate rung = {"direct", fits, tile, scratch_floats, forward, backward_input, backward_weights};

}  // namespace

}  // namespace fanin::direct

namespace fanin {

const ConvCandidate conv_direct = direct::rung;

}  // namespace fanin
