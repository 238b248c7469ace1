// Direct convolution: an image is copied once into packed, zero-bordered planes, BatchNorm and ReLU folded into the
// copy; then a register tile (micro.h) runs over it without a branch.
//   Fits     any kernel, channels and groups; stride 1 and 2; padding < kernel.
//   Layout   Pack: [group][pack of 16 input channels][padded row][padded column][16]; so the addresses of a tile's
//            pixels are one pointer plus compile-time distances. Weights: [group][panel][tap][input channel][vectors].
//   Tile     a row of output pixels at a time, a panel of output channels over the whole image, so that its weights stay
//            in the cache.
//   Threads  one image is one block of work; weight gradients go to kWeightGradientChunks private copies, added in
//            order.
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

// The planes that an image is packed into. `before`: zero pixels above and to the left.
struct Planes {
  int before, rows, columns, channels, groups;
  std::size_t plane() const { return z(rows) * z(columns) * kPack; }
  std::size_t group_floats() const { return plane() * z(micro::packs(channels)); }
  std::size_t floats() const { return group_floats() * z(groups); }
  std::ptrdiff_t offset(int row, int column) const { return (std::ptrdiff_t{row} * columns + column) * kPack; }
};

Planes forward_planes(const Conv2d& c, const Grouping& g, const Shape& y) {
  return {c.padding, (y.height - 1) * c.stride + c.kernel, (y.width - 1) * c.stride + c.kernel, g.in, g.count};
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
  return {axis(c).before(), axis(c).size(dx.height), axis(c).size(dx.width), g.out, g.count};
}

// Copies image `n` of x into the planes; what a plane has no room for is never read.
void pack_image(const Planes& planes, ConstView x, const InputTransform& t, int n, float* to) {
  const int height = std::min(x.shape.height, planes.rows - planes.before);
  const int width = std::min(x.shape.width, planes.columns - planes.before);
  const std::size_t left = z(planes.before) * kPack, right = z(planes.columns - planes.before - width) * kPack;
  for (int g = 0; g < planes.groups; ++g)
    for (int c = 0; c < planes.channels; c += kPack, to += planes.plane()) {
      float* row = to;
      std::memset(row, 0, z(planes.before * planes.columns) * kPack * sizeof(float));
      row += planes.before * planes.columns * kPack;
      for (int h = 0; h < height; ++h, row += planes.columns * kPack) {
        std::memset(row, 0, left * sizeof(float));
        const float* from = x.pixel((z(n) * z(x.shape.height) + z(h)) * z(x.shape.width));
        const int first = g * planes.channels + c;
        pack_run(t, {from, x.stride, width, first, std::min(kPack, planes.channels - c)}, row + left);
        std::memset(row + left + z(width) * kPack, 0, right * sizeof(float));
      }
      std::memset(row, 0, z((planes.rows - planes.before - height) * planes.columns) * kPack * sizeof(float));
    }
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

// One image: XS is the distance of the packed pixels under neighbouring output pixels. `e` is for backward_input.
template <int XS>
void run_image(const Grouping& g, const Planes& planes, const Taps& taps, bool transposed, const float* x,
               const float* w, View y, int n, Write write, const BackwardEpilogue& e = {}) {
  const Panels panels{transposed ? g.in : g.out};
  for (int group = 0; group < g.count; ++group, x += planes.group_floats())
    for (int panel = 0; panel < panels.count(); ++panel)
      for (int k = 0; k < taps.class_count; ++k) {
        const PixelClass& c = taps.classes[k];
        if (c.taps == 0 && write == Write::add && (empty(e) || e.scaled)) continue;
        const Depth depth{taps.offsets + c.first_tap, c.taps, planes.channels,
                          static_cast<std::ptrdiff_t>(planes.plane())};
        const float* weights = w + packed_weight_offset(g, transposed, taps.count, group, panel) +
                               z(c.first_tap * planes.channels * panels.width(panel)) * kLanes;
        micro::with_width(panels.width(panel), [&]<int V>() {
          for (int r = 0; r < c.rows(y.shape.height); ++r) {
            const std::size_t row = z(n) * z(y.shape.height) + z(c.row + r * c.step);
            const GradientTarget target{e,
                                        y,
                                        write,
                                        n,
                                        row * z(y.shape.width) + z(c.column),
                                        c.step,
                                        group * panels.channels + panels.first_channel(panel),
                                        panels.last_lanes(panel)};
            with_sink(e, y, write, target, [&](const auto& sink) {
              micro::multiply_row<V, XS>(c.columns(y.shape.width), depth, x + planes.offset(r * XS, 0), weights, sink);
            });
          }
        });
      }
}

void forward(const Conv2d& c, ConstView x, const InputTransform& t, const float* w, View y, const ForwardEpilogue& e,
             std::span<float> scratch) {
  const Grouping g(c);
  const Planes planes = forward_planes(c, g, y.shape);
  const Taps taps = forward_taps(c, planes);
  Scratch parts(scratch);
  float* const weights = parts.take(packed_weight_floats(g, false, taps.count));
  float* const images = parts.take(0);
  pack_weights(g, w, false, {taps.order, z(taps.count)}, weights);
  const Write write = in_place(e, y) ? Write::add : Write::overwrite;
  parallel_for(y.shape.images, [&](int n) {
    float* const packed = images + z(omp_get_thread_num()) * planes.floats();
    pack_image(planes, x, t, n, packed);
    if (c.stride == 1)
      run_image<1>(g, planes, taps, false, packed, weights, y, n, write);
    else
      run_image<2>(g, planes, taps, false, packed, weights, y, n, write);
    finish_forward(e, y, whole_image(y, n));
  });
}

void backward_input(const Conv2d& c, ConstView dy, const float* w, View dx, Write write, const BackwardEpilogue& e,
                    std::span<float> scratch) {
  const Grouping g(c);
  const Planes planes = backward_planes(c, g, dx.shape);
  const Taps taps = backward_taps(c, planes);
  Scratch parts(scratch);
  float* const weights = parts.take(packed_weight_floats(g, true, taps.count));
  float* const images = parts.take(0);
  pack_weights(g, w, true, {taps.order, z(taps.count)}, weights);
  parallel_for(dx.shape.images, [&](int n) {
    float* const packed = images + z(omp_get_thread_num()) * planes.floats();
    pack_image(planes, dy, {}, n, packed);
    clear_sums(e, dx.shape, n);
    run_image<1>(g, planes, taps, true, packed, weights, dx, n, write, e);
  });
}

// dw of one image. Rows of dw are padded to whole vectors: [group][tap][input channel][vectors].
template <int XS>
void correlate_image(const Conv2d& c, const Grouping& g, const Planes& planes, const float* x, ConstView dy, int n,
                     float* dw) {
  const Panels panels{g.out};
  const Shape& s = dy.shape;
  const micro::Pixels pixels{s.height, s.width, planes.offset(XS, 0), s.width * dy.stride, dy.stride, kPack};
  for (int group = 0; group < g.count; ++group, x += planes.group_floats())
    for (int tap = 0; tap < g.taps; ++tap, dw += z(g.in * panels.padded()))
      for (int panel = 0; panel < panels.count(); ++panel)
        micro::with_width(panels.width(panel), [&]<int V>() {
          const float* gradient = dy.pixel(z(n) * z(s.height * s.width)) + group * g.out + panels.first_channel(panel);
          micro::correlate_rows<V, XS>(pixels, g.in, x + planes.offset(tap / c.kernel, tap % c.kernel),
                                       static_cast<std::ptrdiff_t>(planes.plane()), gradient, panels.last_lanes(panel),
                                       dw + panels.first_channel(panel), panels.padded());
        });
}

std::size_t padded_gradient_floats(const Grouping& g) {
  return Scratch::rounded(z(g.count * g.taps) * z(g.in) * z(Panels{g.out}.padded()));
}

void backward_weights(const Conv2d& c, ConstView x, const InputTransform& t, ConstView dy, float* dw,
                      std::span<float> scratch) {
  const Grouping g(c);
  const Planes planes = forward_planes(c, g, dy.shape);
  const int images = dy.shape.images, chunks = std::min(kWeightGradientChunks, images);
  const std::size_t size = padded_gradient_floats(g);
  Scratch parts(scratch);
  float* const partials = parts.take(kWeightGradientChunks * size);
  float* const packs = parts.take(0);
  parallel_for(chunks, [&](int chunk) {
    float* const partial = partials + z(chunk) * size;
    std::fill_n(partial, size, 0.0f);
    float* const packed = packs + z(omp_get_thread_num()) * planes.floats();
    for (int n = chunk * images / chunks; n < (chunk + 1) * images / chunks; ++n) {
      pack_image(planes, x, t, n, packed);
      if (c.stride == 1)
        correlate_image<1>(c, g, planes, packed, dy, n, partial);
      else
        correlate_image<2>(c, g, planes, packed, dy, n, partial);
    }
  });
  add_weight_chunks(g, partials, chunks, size, dw);
}

std::size_t scratch_floats(const Conv2d& c, const Shape& x, ConvProduct product, int threads) {
  const Grouping g(c);
  const Planes f = forward_planes(c, g, c.output_shape(x)), b = backward_planes(c, g, x);
  switch (product) {
    case ConvProduct::forward:
      return Scratch::rounded(packed_weight_floats(g, false, g.taps)) + z(threads) * f.floats();
    case ConvProduct::backward_input:
      return Scratch::rounded(packed_weight_floats(g, true, g.taps)) + z(threads) * b.floats();
    case ConvProduct::backward_weights: break;
  }
  return kWeightGradientChunks * padded_gradient_floats(g) + z(threads) * f.floats();
}

std::string tile(const Conv2d& c, const Shape&, ConvProduct product) { return register_tile(c, product); }

}  // namespace

const ConvCandidate conv_direct = {"direct", fits, tile, scratch_floats, forward, backward_input, backward_weights};

}  // namespace fanin
