// Winograd convolution: 3x3 in F(4x4) with 36 instead of 144 multiplications for 16 outputs, or in F(2x2) with 16
// instead of 36 for 4. Tiles of the image are transformed, position by position of the transformed patch they are a
// matrix product over channels, the result is transformed back. With stride 2, F(2x2) by phases (winograd_transforms.h)
// takes 25 instead of 36 for 4 outputs. How the image is cut is in winograd_tiling.h, what happens to a block of it in
// winograd_blocks.h; here is which blocks each of the three products takes in which order, and with which weights.
//   Fits     3x3, padding 1; groups of at least kNarrow channels on both sides (narrower groups are merged to that by
//            Grouping where it can); with stride 2 only wide ones. Images of any size: what a tile has beyond the border
//            is 0 and dropped.
//   Threads  forward, backward_input (the same with turned weights): a unit of whole images, so that their epilogue
//            finds them in the cache, or one group of it where there are few units or weights are large.
//            backward_weights is the adjoint, dU = V^T (A dY A^T). Small weights: chunks of blocks with private dU, added
//            in order. Large ones: blocks are transformed together, then each thread sums up its positions and panels of
//            the only dU.
//            backward takes both gradients of small weights from one load, in units of whole images.
//   Memory   U, and dU, are 1.8 to 4 times as large as the weights (kPositions / 9). Of large weights there are some
//            groups or panels of U, and some input channels of dU, at a time; of small ones dU of some groups.
//   Measurements: README.md of this folder.
// SPDX-License-Identifier: MIT
#include "core/kernels/conv_candidate.h"
#include "core/kernels/conv_tile.h"
#include "core/kernels/winograd_blocks.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

namespace fanin::winograd {

namespace {

constexpr int kNarrow = 12;
// With stride 2 and fewer weights a tap, transforms cost more than they save; with groups, kLargeWeights.
constexpr int kStridedWeights = 32 * 64;
constexpr int kTaps = 9;

template <class F>
bool fits(const Conv2d& c, const Shape&, ConvProduct) {
  const Grouping g(c);
  const int least = F::kStride == 1 ? 0 : g.count == 1 ? kStridedWeights : kLargeWeights;
  return c.kernel == 3 && c.stride == F::kStride && c.padding == 1 && g.in >= kNarrow && g.out >= kNarrow &&
         g.in * g.out >= least;
}

// ------------------------------------------------------------------------------------------ forward, backward_input

// Whose U there is at a time: some groups, or of one group some panels.
struct Part {
  int first_group, groups;
  Range panels;
};

// U of a part. `turned`: for backward_input, input and output channels change places.
template <class F>
void weights_to_u(const Grouping& g, const Sizes<F>& s, const float* w, bool turned, const Part& part, float* u) {
  const Panels panels{s.out};
  const int blocks = packs(s.in), count = part.panels.count();
  parallel_for(part.groups * count * blocks, [&](int index) {
    const int first = index % blocks * kPack, panel = part.panels.first + index / blocks % count;
    const int group = index / blocks / count;
    const int width = panels.width(panel), rows = std::min(kPack, s.in - first);
    constexpr int kRow = micro::kWidest * kLanes;
    alignas(64) float taps[kTaps][kPack][kRow];
    for (int tap = 0; tap < kTaps; ++tap)
      pack_weight_block(g, w, turned,
                        {part.first_group + group, tap, first, rows, panels.first_channel(panel), width * kLanes},
                        &taps[tap][0][0], kRow);
    for (int r = 0; r < rows; ++r) {
      float* const to = u + z(group) * s.u() + s.u_floats({part.panels.first, panel}) + z((first + r) * width * kLanes);
      for (int i = 0; i < width; ++i)
        transform_weights<F>(&taps[0][r][i * kLanes], kPack * kRow, turned, to + i * kLanes, s.u_stride(width));
    }
  });
}

// So many floats of U of large weights there are at a time: of several groups, or of one, which is cut later because what
// is read must be transformed again for each part of it.
constexpr std::size_t kMostOfGroups = std::size_t{5} << 20, kMostOfGroup = std::size_t{8} << 20;

template <class F>
struct ConvolveParts {
  Tiling t;
  Sizes<F> s;
  int groups, panels;  // whose U there is at a time: of one group perhaps fewer panels
  ConvolveParts(const Grouping& g, const Shape& y, bool turned) : ConvolveParts(g, y, in(g, turned), in(g, !turned)) {}
  std::size_t u() const { return z(groups) * s.u_floats({0, panels}); }

 private:
  static int in(const Grouping& g, bool turned) { return turned ? g.out : g.in; }
  ConvolveParts(const Grouping& g, const Shape& y, int in, int out)
      : t(y, F::kOut, block_tiles<F>(g.count, in, out), least_units(g)),
        s(t, in, out),
        groups(g.count),
        panels(s.panels().end) {
    if (!is_large(g)) return;
    groups = std::clamp(static_cast<int>(kMostOfGroups / s.u()), 1, g.count);
    const int slices = static_cast<int>((s.u() - 1) / kMostOfGroup) + 1;
    panels = ceil_div(panels, slices);
  }
};

// Forward, or backward_input with `turned` weights and F::Turned; each has an epilogue, the other's is empty.
template <class F>
void convolve_part(const Grouping& g, const ConvolveParts<F>& p, ConstView x, const InputTransform& transform,
                   const float* u, const Part& part, View y, Write write, const ForwardEpilogue& forward,
                   const BackwardEpilogue& backward, float* blocks) {
  const Tiling& t = p.t;
  const Sizes<F>& s = p.s;
  // The groups of a unit share pages and cache lines: they stay together where there are enough units. With large weights
  // all units of a group follow each other instead and share its U.
  const int together = is_large(g) || t.units() < kLeastTasks ? 1 : part.groups;
  const Panels panels{s.out};
  const int first_channel = panels.first_channel(part.panels.first);
  const int channels = (together - 1) * s.out + std::min(s.out, panels.first_channel(part.panels.end)) - first_channel;
  parallel_for(t.units() * (part.groups / together), [&](int index) {
    float* const buffer = blocks + z(omp_get_thread_num()) * (s.buffer() + s.v() + s.m());
    float *const v = buffer + s.buffer(), *const m = v + s.v();
    const int first_image = index % t.units() * t.images_per_unit;
    const int end_image = std::min(t.images, first_image + t.images_per_unit);
    const int first_group = index / t.units() * together,
              output = (part.first_group + first_group) * s.out + first_channel;
    const ConstView share = x.channels((part.first_group + first_group) * s.in, together * s.in);
    for (int image = first_image; image < end_image; ++image) clear_sums(backward, y.shape, image, output, channels);
    for (int r = first_image * t.tile_rows; r < end_image * t.tile_rows; r += t.rows_per_block) {
      const Rows rows{r, std::min(end_image * t.tile_rows, r + t.rows_per_block)};
      Ahead ahead(together * multiply_steps(s, part.panels, rows.count() * t.tile_columns));
      add_rows(ahead, t, share, {rows.end, rows.end + t.rows_per_block}, F::kStep);
      for (int k = first_group; k < first_group + together; ++k) {
        const int group = part.first_group + k;
        add_outputs(ahead, t, y, group * s.out, s.out, backward, {}, rows, F::kOut);
        input_block(t, s, PixelsOfX{x, transform}, rows, group * s.in, buffer, v);
        output_block<F>(t, s, v, {u + z(k) * s.u(), part.panels}, rows, m, y, group * s.out, write, backward, ahead);
      }
    }
    const int pixels = t.height * t.width;
    for (int image = first_image; image < end_image; ++image)
      finish_forward(forward, y, {image, 0, pixels, output, channels});
  });
}

template <class F>
void convolve(const Conv2d& c, ConstView x, const InputTransform& transform, const float* w, bool turned, View y,
              Write write, const ForwardEpilogue& forward, const BackwardEpilogue& backward, std::span<float> scratch) {
  const Grouping g(c);
  const ConvolveParts<F> p(g, y.shape, turned);
  Scratch parts(scratch);
  float* const u = parts.take(p.u());
  float* const blocks = parts.take(0);
  const int panels = Panels{p.s.out}.count();
  for (int group = 0; group < g.count; group += p.groups)
    for (int panel = 0; panel < panels; panel += p.panels) {
      const Part part{group, std::min(p.groups, g.count - group), {panel, std::min(panels, panel + p.panels)}};
      weights_to_u(g, p.s, w, turned, part, u);
      convolve_part<F>(g, p, x, transform, u, part, y, write, forward, backward, blocks);
    }
}

// ------------------------------------------------------------------------------------------------ backward_weights

// dw += G^T (sum of the chunks' dU) G, of `groups` groups from `first_group` on, a slice of their input channels.
template <class F>
void add_gradient(const Grouping& g, const Sizes<F>& s, const float* du, int first_group, int groups,
                  const Range& slice, int chunks, float* dw) {
  constexpr int N = F::kSide;
  const Panels panels{g.out};
  parallel_for(groups * slice.count(), [&](int index) {
    const int group = first_group + index / slice.count(), input = slice.first + index % slice.count();
    const float* const first = du + z(index / slice.count()) * s.du() + z(index % slice.count() * panels.padded());
    for (int o = 0; o < panels.padded(); o += kLanes) {
      Vec sum[N][N], result[3][3];
#pragma GCC unroll 6
      for (int i = 0; i < N; ++i)
#pragma GCC unroll 6
        for (int j = 0; j < N; ++j) {
          const float* from = first + z(i * N + j) * s.du_stride() + o;
          sum[i][j] = simd::load(from);
          for (int chunk = 1; chunk < chunks; ++chunk)
            sum[i][j] = simd::plus(sum[i][j], simd::load(from + z(chunk * groups) * s.du()));
        }
      transform_weight_gradient<F>(sum, result);
      alignas(64) float row[kLanes];
      for (int tap = 0; tap < kTaps; ++tap) {
        simd::store(result[tap / 3][tap % 3], row);
        add_weight_row(g, row, {group, tap, input, 1, o, kLanes}, dw);
      }
    }
  });
}

constexpr int kBlocksTogether = 8;     // that share one pass over dU of large weights
constexpr int kGradientUnits = 2;      // at least: small blocks would pass over dU too often
constexpr int kSliceFloats = 1 << 22;  // of dU at a time: some input channels, or groups of small weights
// Up to this many both gradients of a block are computed together: beyond, what two products need of weights and
// transformed tiles does not fit into the L2 cache at once (64-64 at 8x8: 564 GFLOP/s together, 637 one by one).
constexpr int kJointWeights = 48 * 12;

template <class F>
struct GradientParts {
  Tiling t;
  Sizes<F> s;
  std::size_t block;  // V and Z of a block
  int groups;         // of small weights, whose chunks of dU there are at a time
  GradientParts(const Grouping& g, const Shape& y)
      : t(y, F::kOut, block_tiles<F>(g.count, g.in, g.out), kGradientUnits),
        s(t, g.in, g.out),
        block(s.v() + s.z_floats()),
        groups(std::clamp(static_cast<int>(kSliceFloats / (kWeightGradientChunks * s.du())), 1, g.count)) {
    const int packs = kSliceFloats / (kPositions<F> * Panels{g.out}.padded() * kPack);
    if (is_large(g) && t.blocks() <= kBlocksTogether) s.slice = std::min(g.in, std::max(1, packs) * kPack);
  }
};

// V^T Z of a block and group: dU, or what is added to it.
template <class F>
void correlate_block(const Grouping& g, const Tiling& t, const Sizes<F>& s, const Rows& rows, const float* v,
                     const float* gradient, float* du, bool add, Ahead& ahead) {
  const int tiles = rows.count() * t.tile_columns;
  for (int position = 0; position < kPositions<F>; ++position)
    for (int panel = 0; panel < Panels{g.out}.count(); ++panel)
      correlate_position<F>(s, {0, g.in}, tiles, v, gradient, position, panel, du, add, ahead);
}

template <class F>
void correlate_in_chunks(const Grouping& g, const GradientParts<F>& p, ConstView x, const InputTransform& transform,
                         ConstView dy, float* dw, Scratch parts) {
  const Tiling& t = p.t;
  const int blocks = t.blocks(), chunks = std::min(kWeightGradientChunks, blocks);
  float* const du = parts.take(z(kWeightGradientChunks * p.groups) * p.s.du());
  float* const own = parts.take(0);
  for (int first = 0; first < g.count; first += p.groups) {
    const int groups = std::min(p.groups, g.count - first);
    parallel_for(chunks, [&](int chunk) {
      float* const buffer = own + z(omp_get_thread_num()) * (p.s.buffer() + p.block);
      float *const v = buffer + p.s.buffer(), *const gradient = v + p.s.v();
      float* const partial = du + z(chunk * groups) * p.s.du();
      const int first_block = chunk * blocks / chunks;
      for (int b = first_block; b < (chunk + 1) * blocks / chunks; ++b) {
        const Rows rows = rows_of_block(t, b), next = rows_of_block(t, b + 1);
        Ahead ahead(groups * correlate_steps(p.s, rows.count() * t.tile_columns));
        add_rows(ahead, t, dy.channels(first * g.out, groups * g.out), next, F::kOut);
        add_rows(ahead, t, x.channels(first * g.in, groups * g.in), next, F::kStep);
        for (int k = 0; k < groups; ++k) {
          const int group = first + k;
          input_block(t, p.s, PixelsOfX{x, transform}, rows, group * g.in, buffer, v);
          gradient_block<F>(t, p.s, dy, rows, group * g.out, gradient);
          correlate_block<F>(g, t, p.s, rows, v, gradient, partial + z(k) * p.s.du(), b > first_block, ahead);
        }
      }
    });
    add_gradient<F>(g, p.s, du, first, groups, {0, g.in}, chunks, dw);
  }
}

// dU of a slice: that of `count` blocks from `first` on, added to the earlier ones', one position and panel; V and Z of the
// blocks are at `blocks`.
template <class F>
void correlate_blocks(const GradientParts<F>& p, const float* blocks, int first, int count, const Range& slice,
                      int position, int panel, float* du) {
  const Tiling& t = p.t;
  const Sizes<F>& s = p.s;
  const Panels panels{s.out};
  const auto v_of = [&](int b) { return blocks + z(b) * p.block; };
  const auto gradient_of = [&](int b) { return v_of(b) + s.v(); };
  for (int b = 0; b < count; ++b) {
    const Rows rows = rows_of_block(t, first + b);
    const int next = b + 1 < count ? b + 1 : 0, next_panel = next > 0 ? panel : panel + 1;
    Ahead ahead(correlate_steps(s, rows.count() * t.tile_columns) / (kPositions<F> * panels.count()));
    if (next > 0)
      ahead.add(v_of(next) + z(position) * s.v_stride() + z(slice.first * s.tiles),
                z(packs(slice.count()) * s.tiles * kPack));
    if (next_panel < panels.count())
      ahead.add(z_of(s, gradient_of(next), position, next_panel), z(s.tiles * panels.width(next_panel) * kLanes));
    if (next == 0 && next_panel < panels.count())
      ahead.add(du_of(s, du, position, next_panel), panels.padded(), slice.count(), panels.width(next_panel) * kLanes);
    correlate_position<F>(s, slice, rows.count() * t.tile_columns, v_of(b), gradient_of(b), position, panel, du,
                          first + b > 0, ahead);
  }
}

// Of one group after the other, and of its input channels one slice after the other.
template <class F>
void correlate_together(const Grouping& g, const GradientParts<F>& p, ConstView x, const InputTransform& transform,
                        ConstView dy, float* dw, Scratch parts) {
  const Tiling& t = p.t;
  float* const du = parts.take(p.s.du());
  float* const buffers = parts.take(z(thread_count()) * p.s.buffer());
  float* const transformed = parts.take(0);
  const int panels = p.s.panels().count();
  const auto transform_blocks = [&](int group, int first, int count) {
    parallel_for(2 * count, [&](int index) {
      const Rows rows = rows_of_block(t, first + index / 2);
      float* const v = transformed + z(index / 2) * p.block;
      if (index % 2 == 0)
        input_block(t, p.s, PixelsOfX{x, transform}, rows, group * g.in,
                    buffers + z(omp_get_thread_num()) * p.s.buffer(), v);
      else
        gradient_block<F>(t, p.s, dy, rows, group * g.out, v + p.s.v());
    });
  };
  for (int group = 0; group < g.count; ++group)
    for (int in = 0; in < g.in; in += p.s.slice) {
      const Range slice{in, std::min(g.in, in + p.s.slice)};
      for (int first = 0; first < t.blocks(); first += kBlocksTogether) {
        const int count = std::min(kBlocksTogether, t.blocks() - first);
        if (in == 0) transform_blocks(group, first, count);  // where there are more slices all blocks stay
        parallel_for(kPositions<F> * panels, [&](int index) {
          const int position = index / panels, panel = index % panels;
          correlate_blocks<F>(p, transformed, first, count, slice, position, panel, du);
        });
      }
      add_gradient<F>(g, p.s, du, group, 1, slice, 1, dw);
    }
}

// ------------------------------------------------------------------------------------------------------------ rungs

template <class F>
void forward(const Conv2d& c, ConstView x, const InputTransform& t, const float* w, View y, const ForwardEpilogue& e,
             std::span<float> scratch) {
  convolve<F>(c, x, t, w, false, y, in_place(e, y) ? Write::add : Write::overwrite, e, {}, scratch);
}

template <class F>
void backward_input(const Conv2d& c, ConstView dy, const float* w, View dx, Write write, const BackwardEpilogue& e,
                    std::span<float> scratch) {
  convolve<typename F::Turned>(c, dy, {}, w, true, dx, write, {}, e, scratch);
}

template <class F>
void backward_weights(const Conv2d& c, ConstView x, const InputTransform& transform, ConstView dy, float* dw,
                      std::span<float> scratch) {
  const Grouping g(c);
  const GradientParts<F> parts(g, dy.shape);
  if (is_large(g))
    correlate_together<F>(g, parts, x, transform, dy, dw, Scratch(scratch));
  else
    correlate_in_chunks<F>(g, parts, x, transform, dy, dw, Scratch(scratch));
}

// What one block of the joint backward pass needs: V and Z, or M in their place, and V of dy.
template <class F>
struct JointParts {
  Tiling t;
  Sizes<F> s, turned;
  std::size_t shared, block;
  JointParts(const Grouping& g, const Shape& x)
      : t(x, F::kOut, std::min(block_tiles<F>(g.count, g.in, g.out), block_tiles<F>(g.count, g.out, g.in)),
          kLeastTasks),
        s(t, g.in, g.out),
        turned(t, g.out, g.in),
        shared(std::max(s.v() + s.z_floats(), turned.m())),
        block(shared + turned.v()) {}
};

// Both gradients of whole images: x and dy come from memory once and are in the L2 cache for the second product.
template <class F>
void backward_together(const Grouping& g, const JointParts<F>& p, ConstView x, const InputTransform& transform,
                       const Gradient& dy, const float* w, View dx, Write write, const BackwardEpilogue& e, float* dw,
                       Scratch parts) {
  const Tiling& t = p.t;
  const int unit = t.images_per_unit, units = t.units();
  const int chunks = std::min(kWeightGradientChunks, units);
  float* const u = parts.take(z(g.count) * p.turned.u());
  float* const du = parts.take(z(kWeightGradientChunks * g.count) * p.s.du());
  float* const blocks = parts.take(0);
  weights_to_u(g, p.turned, w, true, {0, g.count, p.turned.panels()}, u);
  parallel_for(chunks, [&](int chunk) {
    float* const buffer = blocks + z(omp_get_thread_num()) * (p.s.buffer() + p.block);
    float* const v = buffer + p.s.buffer();
    float *const gradient = v + p.s.v(), *const m = v, *const v_of_gradient = v + p.shared;
    float* const partial = du + z(chunk * g.count) * p.s.du();
    const int first_image = chunk * units / chunks * unit;
    const int end_image = std::min(t.images, (chunk + 1) * units / chunks * unit);
    for (int image = first_image; image < end_image; ++image) clear_sums(e, dx.shape, image);
    for (int r = first_image * t.tile_rows; r < end_image * t.tile_rows;) {
      const int end_unit = std::min(end_image, (r / t.tile_rows / unit + 1) * unit) * t.tile_rows;
      const Rows rows{r, std::min(end_unit, r + t.rows_per_block)}, next{rows.end, rows.end + t.rows_per_block};
      const int tiles = rows.count() * t.tile_columns;
      Ahead ahead(g.count * (correlate_steps(p.s, tiles) + multiply_steps(p.turned, p.turned.panels(), tiles)));
      add_rows(ahead, t, dy.y, next, F::kOut);
      add_rows(ahead, t, dy.g, next, F::kOut);
      add_rows(ahead, t, x, next, F::kStep);
      for (int group = 0; group < g.count; ++group) {
        add_outputs(ahead, t, dx, group * g.in, g.in, e, x, rows, F::kOut);
        input_block(t, p.s, PixelsOfX{x, transform}, rows, group * g.in, buffer, v);
        gradient_in_both_forms<F>(t, p.s, p.turned, dy, rows, group * g.out, buffer, gradient, v_of_gradient);
        correlate_block<F>(g, t, p.s, rows, v, gradient, partial + z(group) * p.s.du(), r > first_image * t.tile_rows,
                           ahead);
        output_block<F>(t, p.turned, v_of_gradient, {u + z(group) * p.turned.u(), p.turned.panels()}, rows, m, dx,
                        group * g.in, write, e, ahead);
      }
      r = rows.end;
    }
  });
  add_gradient<F>(g, p.s, du, 0, g.count, {0, g.in}, chunks, dw);
}

template <class F>
void backward(const Conv2d& c, ConstView x, const InputTransform& transform, const Gradient& dy, const float* w,
              View dx, Write write, const BackwardEpilogue& e, float* dw, std::span<float> scratch) {
  const Grouping g(c);
  backward_together<F>(g, JointParts<F>(g, x.shape), x, transform, dy, w, dx, write, e, dw, Scratch(scratch));
}

bool pays(const Conv2d& c) {
  const Grouping g(c);
  return g.in * g.out <= kJointWeights;
}

template <class F>
std::size_t convolve_scratch(const Grouping& g, const Shape& y, bool turned, int threads) {
  const ConvolveParts<F> p(g, y, turned);
  return p.u() + z(threads) * (p.s.buffer() + p.s.v() + p.s.m());
}

template <class F>
std::size_t scratch_floats(const Conv2d& c, const Shape& x, ConvProduct product, int threads) {
  const Grouping g(c);
  switch (product) {
    case ConvProduct::forward: return convolve_scratch<F>(g, c.output_shape(x), false, threads);
    case ConvProduct::backward_input: return convolve_scratch<typename F::Turned>(g, x, true, threads);
    case ConvProduct::backward_weights: break;
  }
  const GradientParts<F> p(g, c.output_shape(x));
  if (is_large(g)) return p.s.du() + z(threads) * p.s.buffer() + z(std::min(kBlocksTogether, p.t.blocks())) * p.block;
  return z(kWeightGradientChunks * p.groups) * p.s.du() + z(threads) * (p.s.buffer() + p.block);
}

template <class F>
std::size_t backward_scratch(const Conv2d& c, const Shape& x, int threads) {
  const Grouping g(c);
  const JointParts<F> p(g, x);
  return z(g.count) * p.turned.u() + z(kWeightGradientChunks * g.count) * p.s.du() +
         z(threads) * (p.s.buffer() + p.block);
}

template <class F>
std::string tile(const Conv2d& c, const Shape& x, ConvProduct product) {
  const Grouping g(c);
  const Shape y = c.output_shape(x);
  const Tiling t = product == ConvProduct::forward          ? ConvolveParts<F>(g, y, false).t
                   : product == ConvProduct::backward_input ? ConvolveParts<typename F::Turned>(g, x, true).t
                                                            : GradientParts<F>(g, y).t;
  return fmt::format("F({0}x{0}) x {1}, {2}", F::kOut, t.rows_per_block * t.tile_columns, register_tile(c, product));
}

template <class F>
constexpr ConvCandidate rung(const char* name) {
  ConvCandidate c = {.name = name,
                     .fits = fits<F>,
                     .tile = tile<F>,
                     .scratch = scratch_floats<F>,
                     .forward = forward<F>,
                     .backward_input = backward_input<F>,
                     .backward_weights = backward_weights<F>};
  if constexpr (F::kStride == 1) {
    c.backward_scratch = backward_scratch<F>;
    c.backward = backward<F>;
    c.loads_gradient = true;
    c.pays = pays;
  }
  return c;
}

constexpr ConvCandidate unless_exact(ConvCandidate c) {
  c.admitted = [](ConvPrecision p) { return p != ConvPrecision::exact; };
  c.when = "not with --conv exact";
  return c;
}

}  // namespace

}  // namespace fanin::winograd

namespace fanin {

const ConvCandidate conv_winograd2 = winograd::rung<winograd::F2>("winograd2");
const ConvCandidate conv_winograd4 = winograd::unless_exact(winograd::rung<winograd::F4>("winograd4"));
const ConvCandidate conv_strided2 = winograd::rung<winograd::Strided2>("strided2");

}  // namespace fanin
