// Convolution with narrow groups. Planes, taps and classes are those of direct convolution (direct_planes.h), but
// the register tiles of micro_lanes.h see the groups, and not blocks of 16 x 16 weights that are mostly zeros.
//   Fits     what direct fits, with groups of 1, 2, 4 or 8 channels that have as many outputs as inputs.
//   Layout   Weights and their gradients: [some groups][vector of channels][tap][r][lanes], where lane c has the weight
//            between channel c of what is read and channel c ^ r of the result.
//   Threads  some groups of an image are one block of work; weight gradients go to kWeightGradientChunks private copies,
//            added in order.
//   backward So little is computed that memory takes most of the time: both gradients come from one load, at which the
//            gradient is put right.
//   Measurements: README.md of this folder.
// SPDX-License-Identifier: MIT
#include "core/kernels/conv_candidate.h"
#include "core/kernels/direct_planes.h"
#include "core/kernels/micro_lanes.h"
#include "core/tensor/parallel.h"

namespace fanin::direct {

namespace {

using micro::kLanes;

bool fits(const Conv2d& c, const Shape&, ConvProduct) {
  return has_planes(c) && c.groups > 1 && c.in_channels == c.out_channels &&
         micro::has_lane_tile(c.in_channels / c.groups);
}

// Where weights and gradients lie. A merged group (Grouping) has one pack of channels, hence one vector or a few.
struct LaneWeights {
  int groups, vectors, taps, in_group;  // in_group: channels of an original group
  LaneWeights(const Grouping& g)
      : groups(g.count), vectors(micro::Panels{g.in}.vectors()), taps(g.taps), in_group(g.in_single) {}
  std::size_t tap_floats() const { return z(in_group * kLanes); }
  std::size_t group_floats() const { return z(vectors * taps) * tap_floats(); }
  std::size_t floats() const { return Scratch::rounded(z(groups) * group_floats()); }
  std::size_t offset(int group, int vector, int tap) const {
    return z(group) * group_floats() + z(vector * taps + tap) * tap_floats();
  }
};

// fn(where it lies in LaneWeights, where in the weight array) for all weights of a merged group under tap 0; those of the
// next tap are tap_floats() and array_tap() floats on. The lane is the channel that is read: an input channel, or an
// output channel if transposed.
template <class Fn>
void for_weights(const Grouping& g, bool transposed, int group, Fn&& fn) {
  const LaneWeights lanes(g);
  for (int out = 0; out < g.out; ++out)
    for (int i = 0; i < g.in_single; ++i) {
      const int in = out / g.out_single * g.in_single + i, lane = transposed ? out : in, r = in ^ out;
      fn(lanes.offset(group, lane / kLanes, 0) + z(r * kLanes + lane % kLanes),
         z(i) * z(g.out_channels) + z(group * g.out + out));
    }
}
std::size_t array_tap(const Grouping& g) { return z(g.in_single) * z(g.out_channels); }

void pack_lanes(const Grouping& g, const float* w, bool transposed, const Taps& taps, float* to) {
  const LaneWeights lanes(g);
  parallel_for(g.count, [&](int group) {
    std::fill_n(to + lanes.offset(group, 0, 0), lanes.group_floats(), 0.0f);
    for_weights(g, transposed, group, [&](std::size_t lane, std::size_t weight) {
      for (int k = 0; k < taps.count; ++k)
        to[lane + z(k) * lanes.tap_floats()] = w[weight + z(taps.order[k]) * array_tap(g)];
    });
  });
}

// dw += sum over chunks, in their order.
void add_lane_chunks(const Grouping& g, const float* partials, int chunks, float* dw) {
  const LaneWeights lanes(g);
  parallel_for(g.count, [&](int group) {
    for_weights(g, false, group, [&](std::size_t lane, std::size_t weight) {
      for (int tap = 0; tap < g.taps; ++tap) {
        float sum = 0.0f;
        for (int chunk = 0; chunk < chunks; ++chunk)
          sum += partials[z(chunk) * lanes.floats() + lane + z(tap) * lanes.tap_floats()];
        dw[weight + z(tap) * array_tap(g)] += sum;
      }
    });
  });
}

// One task: XS is the distance of the packed pixels under neighbouring output pixels. `e` is for backward_input.
template <int XS>
void run(const Grouping& g, const Planes& planes, const Taps& taps, const float* x, const float* w, View y,
         const Task& task, Write write, const BackwardEpilogue& e, Ahead& ahead) {
  const LaneWeights lanes(g);
  micro::with_lane_group(g.in_single, [&]<int G>() {
    for (int group = task.first_group; group < task.first_group + planes.groups; ++group, x += planes.group_floats())
      for (int v = 0; v < lanes.vectors; ++v)
        for_classes(taps, planes, write, e, [&](const PixelClass& c, const Depth& depth) {
          const float *const from = x + v * kLanes, *const weights = w + lanes.offset(group, v, c.first_tap);
          const int first = v * kLanes, last_lanes = std::min(kLanes, g.in - first);
          for_rows(c, y, task, write, e, group * g.in + first, last_lanes, [&](int r, const auto& sink) {
            micro::multiply_lanes_row<G, XS>(c.columns(y.shape.width), depth, from + planes.offset(r * XS, 0), weights,
                                             sink, ahead);
          });
        });
  });
}

// dw of a task, whose dy lies in planes, too.
template <int XS>
void correlate(const Conv2d& c, const Grouping& g, const Planes& planes, const float* x, const Planes& dy_planes,
               const float* dy, const Shape& s, const Task& task, float* dw, Ahead& ahead) {
  const LaneWeights lanes(g);
  dy += dy_planes.offset(dy_planes.before, dy_planes.before);
  micro::with_lane_group(g.in_single, [&]<int G>() {
    for (int i = 0; i < planes.groups; ++i, x += planes.group_floats(), dy += dy_planes.group_floats())
      for_bands(s, [&](int row, int rows) {
        const micro::Pixels pixels{rows, s.width, planes.offset(XS, 0), dy_planes.offset(1, 0), kPack, 0};
        for (int v = 0; v < lanes.vectors; ++v)
          for (int tap = 0; tap < g.taps; tap += c.kernel)
            micro::correlate_lanes_row<G, XS>(
                c.kernel, pixels, x + planes.offset(row * XS + tap / c.kernel, 0) + v * kLanes,
                dy + dy_planes.offset(row, 0) + v * kLanes, dw + lanes.offset(task.first_group + i, v, tap), ahead);
      });
  });
}

void forward(const Conv2d& c, ConstView x, const InputTransform& t, const float* w, View y, const ForwardEpilogue& e,
             std::span<float> scratch) {
  const Grouping g(c);
  const Planes planes = forward_planes(c, g, y.shape);
  const Taps taps = forward_taps(c, planes);
  const int channels = planes.groups * g.in;
  Scratch parts(scratch);
  float* const weights = parts.take(LaneWeights(g).floats());
  float* const packs = parts.take(0);
  pack_lanes(g, w, false, taps, weights);
  const Write write = in_place(e, y) ? Write::add : Write::overwrite;
  parallel_for(y.shape.images * tasks_of_image(g, planes), [&](int index) {
    float* const packed = packs + z(omp_get_thread_num()) * planes.floats();
    const Task task = task_at(g, planes, index), next = task_at(g, planes, index + 1);
    pack_planes(planes, x, t, task, packed);
    Ahead ahead;
    for (const ConstView v : {ConstView(y), x}) add_channels(ahead, v, next.image, next.first_group * g.in, channels);
    if (c.stride == 1)
      run<1>(g, planes, taps, packed, weights, y, task, write, {}, ahead);
    else
      run<2>(g, planes, taps, packed, weights, y, task, write, {}, ahead);
    finish_forward(e, y, {task.image, 0, y.shape.height * y.shape.width, task.first_group * g.in, channels});
  });
}

void backward_input(const Conv2d& c, ConstView dy, const float* w, View dx, Write write, const BackwardEpilogue& e,
                    std::span<float> scratch) {
  const Grouping g(c);
  const Planes planes = backward_planes(c, g, dx.shape);
  const Taps taps = backward_taps(c, planes);
  const int channels = planes.groups * g.in;
  Scratch parts(scratch);
  float* const weights = parts.take(LaneWeights(g).floats());
  float* const packs = parts.take(0);
  pack_lanes(g, w, true, taps, weights);
  parallel_for(dx.shape.images * tasks_of_image(g, planes), [&](int index) {
    float* const packed = packs + z(omp_get_thread_num()) * planes.floats();
    const Task task = task_at(g, planes, index), next = task_at(g, planes, index + 1);
    pack_planes(planes, dy, task, packed);
    clear_sums(e, dx.shape, task.image, task.first_group * g.in, channels);
    Ahead ahead;
    for (const ConstView v : {e.x, ConstView(dx), dy})
      add_channels(ahead, v, next.image, next.first_group * g.in, channels);
    run<1>(g, planes, taps, packed, weights, dx, task, write, e, ahead);
  });
}

// The weight gradients, and with dx.data the gradient by the input: a chunk of images and some groups at a time.
void backward(const Conv2d& c, ConstView x, const InputTransform& t, const Gradient& dy, const float* w, View dx,
              Write write, const BackwardEpilogue& e, float* dw, std::span<float> scratch) {
  const Grouping g(c);
  const Planes planes = forward_planes(c, g, dy.shape()), dy_planes = backward_planes(c, g, x.shape);
  const Taps taps = backward_taps(c, dy_planes);
  const int images = x.shape.images, units = tasks_of_image(g, planes), channels = planes.groups * g.in;
  const int chunks = std::min(kWeightGradientChunks, images);
  const LaneWeights lanes(g);
  const std::size_t floats = planes.floats() + dy_planes.floats();
  Scratch parts(scratch);
  float* const partials = parts.take(z(chunks) * lanes.floats());
  float* const weights = parts.take(lanes.floats());
  float* const packs = parts.take(0);
  const bool wanted = dx.data != nullptr;
  if (wanted) pack_lanes(g, w, true, taps, weights);
  parallel_for(chunks * units, [&](int index) {
    const int chunk = index / units, first_group = index % units * planes.groups, channel = first_group * g.in;
    float* const partial = partials + z(chunk) * lanes.floats();
    float* const packed_x = packs + z(omp_get_thread_num()) * floats;
    float* const packed_dy = packed_x + planes.floats();
    std::fill_n(partial + lanes.offset(first_group, 0, 0), z(planes.groups) * lanes.group_floats(), 0.0f);
    for (int n = chunk * images / chunks; n < (chunk + 1) * images / chunks; ++n) {
      const Task task{n, first_group};
      pack_planes(planes, x, t, task, packed_x);
      pack_planes(dy_planes, dy, task, packed_dy);
      Ahead ahead;
      for (const ConstView v : {ConstView(dx), dy.y, dy.g, x}) add_channels(ahead, v, n + 1, channel, channels);
      if (c.stride == 1)
        correlate<1>(c, g, planes, packed_x, dy_planes, packed_dy, dy.shape(), task, partial, ahead);
      else
        correlate<2>(c, g, planes, packed_x, dy_planes, packed_dy, dy.shape(), task, partial, ahead);
      if (!wanted) continue;
      clear_sums(e, dx.shape, n, channel, channels);
      run<1>(g, dy_planes, taps, packed_dy, weights, dx, task, write, e, ahead);
    }
  });
  add_lane_chunks(g, partials, chunks, dw);
}

void backward_weights(const Conv2d& c, ConstView x, const InputTransform& t, ConstView dy, float* dw,
                      std::span<float> scratch) {
  backward(c, x, t, dy, nullptr, {nullptr, x.shape, 0}, Write::overwrite, {}, dw, scratch);
}

std::size_t backward_scratch(const Conv2d& c, const Shape& x, int threads) {
  const Grouping g(c);
  const Planes from = forward_planes(c, g, c.output_shape(x)), to = backward_planes(c, g, x);
  return z(std::min(kWeightGradientChunks, x.images) + 1) * LaneWeights(g).floats() +
         z(threads) * (from.floats() + to.floats());
}

std::size_t scratch_floats(const Conv2d& c, const Shape& x, ConvProduct product, int threads) {
  const Grouping g(c);
  if (product == ConvProduct::backward_weights) return backward_scratch(c, x, threads);
  const bool is_forward = product == ConvProduct::forward;
  const Planes planes = is_forward ? forward_planes(c, g, c.output_shape(x)) : backward_planes(c, g, x);
  return LaneWeights(g).floats() + z(threads) * planes.floats();
}

std::string tile(const Conv2d& c, const Shape&, ConvProduct product) {
  const int group = c.in_channels / c.groups;
  const std::string rows = product == ConvProduct::backward_weights
                               ? std::to_string(micro::kLaneTaps) + " taps"
                               : std::to_string(micro::lane_tile_height(group)) + "px";
  return rows + " x " + std::to_string(std::min(micro::kSwaps, group)) + " swaps of lanes";
}

constexpr ConvCandidate rung = {
    .name = "grouped",
    .fits = fits,
    .tile = tile,
    .scratch = scratch_floats,
    .forward = forward,
    .backward_input = backward_input,
    .backward_weights = backward_weights,
    .backward_scratch = backward_scratch,
    .backward = backward,
    .loads_gradient = true,
};

}  // namespace

}  // namespace fanin::direct

namespace fanin {

const ConvCandidate conv_grouped = direct::rung;

}  // namespace fanin
