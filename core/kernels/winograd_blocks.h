// The parts of a block of Winograd convolution: the two-dimensional transforms of a tile; packing, transforming and
// multiplying all tiles of a block.
//   Layout   V = B^T d B of the input: [position][pack of 16 channels][tile][16]. U of the weights:
//            [group][panel][position][input channel][vectors]. M = V U: [position][panel][tile][vectors] of
//            kPanelsTogether panels at a time: so M stays in the L2 cache and V comes from it once for all of them.
//            The distance of positions is odd in cache lines: 36 stores to a multiple of 4096 bytes would fall into one
//            set of the L1 cache and halve the speed.
//   Ahead    while a product runs, the factors of the next one are fetched, and the pixels of the next block.
//   Pack     the pixel rows under a row of tiles go through a small zero-bordered buffer, BatchNorm and ReLU on the way.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/ahead.h"
#include "core/kernels/conv_epilogue.h"
#include "core/kernels/winograd_tiling.h"

#include <cstring>
#include <type_traits>

namespace fanin::winograd {

using micro::Ahead;
using simd::Vec;

// ------------------------------------------------------------------------------------------------------ transforms

// v[i * kSide + j] = (B^T d B)(i, j) of the patch at `d`: rows `row` floats apart, pixels kPack.
template <class F>
void transform_input(const float* d, std::ptrdiff_t row, float* v, std::size_t stride) {
  constexpr int I = F::kIn, N = F::kSide;
  Vec half[I][N];
#pragma GCC unroll 6
  for (int i = 0; i < I; ++i) {
    Vec line[I];
#pragma GCC unroll 6
    for (int j = 0; j < I; ++j) line[j] = simd::load(d + i * row + j * kPack);
    F::input(line, half[i]);
  }
#pragma GCC unroll 6
  for (int j = 0; j < N; ++j) {
    Vec line[I], result[N];
#pragma GCC unroll 6
    for (int i = 0; i < I; ++i) line[i] = half[i][j];
    F::input(line, result);
#pragma GCC unroll 6
    for (int i = 0; i < N; ++i) simd::store(result[i], v + z(i * N + j) * stride);
  }
}

// y = A^T m A, kOut x kOut.
template <class F>
void transform_output(const float* m, std::size_t stride, Vec (&y)[F::kOut][F::kOut]) {
  constexpr int N = F::kSide, R = F::kOut;
  Vec half[R][N];
#pragma GCC unroll 6
  for (int j = 0; j < N; ++j) {
    Vec line[N], result[R];
#pragma GCC unroll 6
    for (int i = 0; i < N; ++i) line[i] = simd::load(m + z(i * N + j) * stride);
    F::output(line, result);
#pragma GCC unroll 6
    for (int i = 0; i < R; ++i) half[i][j] = result[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < R; ++i) F::output(half[i], y[i]);
}

// z = A dy A^T.
template <class F>
void transform_gradient(const Vec (&y)[F::kOut][F::kOut], float* to, std::size_t stride) {
  constexpr int N = F::kSide, R = F::kOut;
  Vec half[R][N];
#pragma GCC unroll 6
  for (int i = 0; i < R; ++i) F::gradient(y[i], half[i]);
#pragma GCC unroll 6
  for (int j = 0; j < N; ++j) {
    Vec line[R], result[N];
#pragma GCC unroll 6
    for (int i = 0; i < R; ++i) line[i] = half[i][j];
    F::gradient(line, result);
#pragma GCC unroll 6
    for (int i = 0; i < N; ++i) simd::store(result[i], to + z(i * N + j) * stride);
  }
}

// U = G g G^T; taps `tap` floats apart, turned by 180 degrees for backward_input.
template <class F>
void transform_weights(const float* g, std::size_t tap, bool turned, float* u, std::size_t stride) {
  constexpr int N = F::kSide;
  Vec half[3][N];
  for (int i = 0; i < 3; ++i) {
    Vec line[3];
    for (int j = 0; j < 3; ++j) line[j] = simd::load(g + z(turned ? 8 - (i * 3 + j) : i * 3 + j) * tap);
    F::weights(line, half[i]);
  }
  for (int j = 0; j < N; ++j) {
    const Vec line[3] = {half[0][j], half[1][j], half[2][j]};
    Vec result[N];
    F::weights(line, result);
    for (int i = 0; i < N; ++i) simd::store(result[i], u + z(i * N + j) * stride);
  }
}

// dg = G^T dU G.
template <class F>
void transform_weight_gradient(const Vec (&u)[F::kSide][F::kSide], Vec (&g)[3][3]) {
  constexpr int N = F::kSide;
  Vec half[3][N];
#pragma GCC unroll 6
  for (int j = 0; j < N; ++j) {
    Vec line[N], result[3];
#pragma GCC unroll 6
    for (int i = 0; i < N; ++i) line[i] = u[i][j];
    F::weight_gradient(line, result);
    for (int i = 0; i < 3; ++i) half[i][j] = result[i];
  }
  for (int i = 0; i < 3; ++i) F::weight_gradient(half[i], g[i]);
}

// ------------------------------------------------------------------------------------------------ parts of a block

// The pixels of `v` under some rows of tiles, which are `step` of its rows apart.
inline void add_rows(Ahead& ahead, const Tiling& t, ConstView v, const Rows& rows, int step) {
  if (v.data == nullptr || rows.first >= t.total_rows()) return;
  const int height = v.shape.height, width = v.shape.width;
  const auto row_of = [&](int r) { return r / t.tile_rows * height + std::min(height, r % t.tile_rows * step); };
  const int first = row_of(rows.first), end = row_of(std::min(rows.end, t.total_rows()));
  ahead.add(v.pixel(z(first) * z(width)), v.stride, (end - first) * width, v.shape.channels);
}

inline void clear_pixels(float* to, int pixels) {
  for (float* const end = to + z(pixels * kPack); to < end; to += kLanes) simd::store(simd::zero(), to);
}

// What a block loads, pack by pack: x through its transform, or dy put right.
struct PixelsOfX {
  ConstView x;
  const InputTransform& transform;
  const Shape& shape() const { return x.shape; }
  void pack(std::size_t pixel, int pixels, int first, int channels, float* to) const {
    pack_run(transform, {x.pixel(pixel), x.stride, pixels, first, channels}, to);
  }
};
struct PixelsOfGradient {
  const Gradient& dy;
  const Shape& shape() const { return dy.shape(); }
  void pack(std::size_t pixel, int pixels, int first, int channels, float* to) const {
    pack_gradient_run(dy, pixel, pixels, first, channels, to);
  }
};

// The pixel rows under a row of tiles, one pack of channels, zero-bordered.
template <class F, class Source>
void pack_rows(const Tiling& t, const Sizes<F>& s, const Source& source, int tile_row, int first, int channels,
               float* buffer) {
  const int height = source.shape().height, width = source.shape().width;
  const int image = tile_row / t.tile_rows, top = tile_row % t.tile_rows * F::kStep - F::kBefore;
  for (int i = 0; i < F::kIn; ++i) {
    float* const row = buffer + z(i * s.columns * kPack);
    if (top + i < 0 || top + i >= height) {
      clear_pixels(row, s.columns);
      continue;
    }
    clear_pixels(row, F::kBefore);
    source.pack((z(image) * z(height) + z(top + i)) * z(width), width, first, channels, row + F::kBefore * kPack);
    clear_pixels(row + z((width + F::kBefore) * kPack), s.columns - width - F::kBefore);
  }
}

// V of the tiles in `rows`, input channels of a group; tiles up to a multiple of 4 are 0.
template <class F, class Source>
void input_block(const Tiling& t, const Sizes<F>& s, const Source& source, const Rows& rows, int first_channel,
                 float* buffer, float* v) {
  const int tiles = (rows.end - rows.first) * t.tile_columns;
  for (int c = 0; c < s.in; c += kPack, v += z(s.tiles * kPack)) {
    float* to = v;
    for (int r = rows.first; r < rows.end; ++r) {
      pack_rows(t, s, source, r, first_channel + c, std::min(kPack, s.in - c), buffer);
      for (int tile = 0; tile < t.tile_columns; ++tile, to += kPack)
        for (int lane = 0; lane < kPack; lane += kLanes)
          transform_input<F>(buffer + tile * F::kStep * kPack + lane, s.columns * kPack, to + lane, s.v_stride());
    }
    for (int tile = tiles; tile % 4 != 0; ++tile, to += kPack)
      for (int p = 0; p < kPositions<F>; ++p) clear_pixels(to + z(p) * s.v_stride(), 1);
  }
}

// Up to so many floats (1.5 MiB) V and U are taken to stay in the L2 cache.
constexpr std::size_t kCached = 384 * 1024;

// Where a tile's outputs go or come from; those beyond the border are left out.
template <class F>
struct Corner {
  int row, column;  // of the tile's first pixel
  std::size_t pixel;
  int rows, columns;  // inside the image
};

template <class F>
Corner<F> corner_of(const Tiling& t, int tile_row, int tile_column) {
  const int row = tile_row % t.tile_rows * F::kOut, column = tile_column * F::kOut;
  return {row, column, (z(tile_row / t.tile_rows) * z(t.height) + z(row)) * z(t.width) + z(column),
          std::min(F::kOut, t.height - row), std::min(F::kOut, t.width - column)};
}

template <class F>
void store_outputs(const Vec (&result)[F::kOut][F::kOut], const Corner<F>& corner, const Tiling& t, View y, int channel,
                   int lanes, bool add) {
  float* const to = y.pixel(corner.pixel) + channel;
  const auto put = [&](Vec value, float* p) {
    if (lanes == kLanes)
      simd::store(add ? simd::plus(simd::load(p), value) : value, p);
    else
      simd::store_n(add ? simd::plus(simd::load_n(p, lanes), value) : value, p, lanes);
  };
  if (corner.rows == F::kOut && corner.columns == F::kOut) {
#pragma GCC unroll 4
    for (int i = 0; i < F::kOut; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < F::kOut; ++j) put(result[i][j], to + (i * t.width + j) * y.stride);
    return;
  }
  for (int i = 0; i < corner.rows; ++i)
    for (int j = 0; j < corner.columns; ++j) put(result[i][j], to + (i * t.width + j) * y.stride);
}

// The same for backward_input with something to finish.
template <class F>
void finish_outputs(const Vec (&result)[F::kOut][F::kOut], const Corner<F>& corner, const Tiling& t, View dx, int image,
                    int channel, int lanes, Write write, const BackwardEpilogue& e) {
  alignas(64) float tile[F::kOut][F::kOut][kLanes];
#pragma GCC unroll 4
  for (int i = 0; i < F::kOut; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < F::kOut; ++j) simd::store(result[i][j], tile[i][j]);
  if (corner.columns == F::kOut)
    return finish_patch(
        e, dx, write,
        {&tile[0][0][0], kLanes, corner.rows, corner.columns, image, corner.pixel, 1, t.width, channel, lanes});
  for (int i = 0; i < corner.rows; ++i)
    finish_patch(
        e, dx, write,
        {&tile[i][0][0], kLanes, 1, corner.columns, image, corner.pixel + z(i * t.width), 1, t.width, channel, lanes});
}

// What is at the outputs of `rows`, and what their gradients are finished with, unless it is `read` anyway.
inline void add_outputs(Ahead& ahead, const Tiling& t, ConstView y, int first_channel, int channels,
                        const BackwardEpilogue& e, ConstView read, const Rows& rows, int size) {
  const auto add = [&](ConstView v) {
    if (v.data != nullptr) add_rows(ahead, t, v.channels(first_channel, channels), rows, size);
  };
  if (!empty(e)) {
    for (const GradientSums& o : e.others) add(o.x);
    if (e.x.data != read.data) add(e.x);
  }
  add(y);
}

// Steps for an Ahead in the products of a block.
template <class F>
int multiply_steps(const Sizes<F>& s, const Range& panels, int tiles) {
  return kPositions<F> * panels.count() * micro::multiply_steps({s.out}, tiles, s.in) / s.panels().count();
}
template <class F>
int correlate_steps(const Sizes<F>& s, int tiles) {
  return kPositions<F> * micro::correlate_steps({s.out}, tiles, s.in);
}

// U of some panels of a group.
struct TransformedWeights {
  const float* u;
  Range panels;
};
template <class F>
const float* u_of(const Sizes<F>& s, const TransformedWeights& w, int position, int panel) {
  return w.u + s.u_floats({w.panels.first, panel}) + z(position) * s.u_stride(Panels{s.out}.width(panel));
}

// What the product after that of `position` and `panel` of a range multiplies: the next U, and a share of the next
// position's V; `pixels` with the time that is left.
template <class F>
Ahead next_factors(const Sizes<F>& s, const float* v, const TransformedWeights& w, int position, int panel,
                   const Range& range, int tiles, Ahead& pixels) {
  Ahead ahead(multiply_steps(s, {panel, panel + 1}, tiles) / kPositions<F>, &pixels);
  if (s.v() + s.u() < kCached) return ahead;
  const bool last = panel + 1 == range.end;
  if (position + 1 < kPositions<F>) {
    const std::size_t floats = z(packs(s.in) * s.tiles * kPack), of = z(range.end - range.first);
    ahead.add(v + z(position + 1) * s.v_stride() + floats * z(panel - range.first) / of, floats / of);
  } else if (last) {
    return ahead;
  }
  const int next = last ? range.first : panel + 1;
  ahead.add(u_of(s, w, position + last, next), z(s.in * Panels{s.out}.width(next) * kLanes));
  return ahead;
}

constexpr std::ptrdiff_t kNoOffset[] = {0};

// y of the tiles in `rows`, output channels of a group: for some panels the products of all positions, then back.
template <class F>
void output_block(const Tiling& t, const Sizes<F>& s, const float* v, const TransformedWeights& w, const Rows& rows,
                  float* m, View y, int first_channel, Write write, const BackwardEpilogue& e, Ahead& pixels) {
  const bool plain = empty(e);
  const Panels panels{s.out};
  const int tiles = ceil_div((rows.end - rows.first) * t.tile_columns, 4) * 4;
  const micro::Depth depth{kNoOffset, 1, s.in, s.tiles * kPack};
  for (int first = w.panels.first; first < w.panels.end; first += kPanelsTogether) {
    const int end = std::min(w.panels.end, first + kPanelsTogether);
    const auto m_of = [&](int panel) {
      return m + z(s.tiles * (panels.first_channel(panel) - panels.first_channel(first)));
    };
    for (int p = 0; p < kPositions<F>; ++p)
      for (int panel = first; panel < end; ++panel) {
        Ahead ahead = next_factors(s, v, w, p, panel, {first, end}, tiles, pixels);
        micro::with_width(panels.width(panel), [&]<int V>() {
          float* const sums = m_of(panel) + z(p) * s.m_stride();
          const micro::Target to{sums, V * kLanes, kLanes, false};
          micro::multiply_deep<V>(tiles, depth, v + z(p) * s.v_stride(), u_of(s, w, p, panel), to, sums, ahead);
        });
      }
    for (int panel = first; panel < end; ++panel) {
      const int width = panels.width(panel), channel = first_channel + panels.first_channel(panel);
      const float* from = m_of(panel);
      for (int r = rows.first; r < rows.end; ++r)
        for (int column = 0; column < t.tile_columns; ++column) {
          const Corner<F> corner = corner_of<F>(t, r, column);
          for (int i = 0; i < width; ++i, from += kLanes) {
            Vec result[F::kOut][F::kOut];
            transform_output<F>(from, s.m_stride(), result);
            const int lanes = i + 1 < width ? kLanes : panels.last_lanes(panel);
            if (plain)
              store_outputs<F>(result, corner, t, y, channel + i * kLanes, lanes, write == Write::add);
            else
              finish_outputs<F>(result, corner, t, y, r / t.tile_rows, channel + i * kLanes, lanes, write, e);
          }
        }
    }
  }
}

// Z = A dY A^T of the tiles in `rows`: [position][panel][tile][vectors].
template <class F>
void gradient_block(const Tiling& t, const Sizes<F>& s, ConstView dy, const Rows& rows, int first_channel, float* to) {
  const Panels panels{s.out};
  const int tiles = (rows.end - rows.first) * t.tile_columns;
  for (int panel = 0; panel < panels.count(); ++panel) {
    const int width = panels.width(panel);
    float* z_tile = to + z(s.tiles * panels.first_channel(panel));
    for (int r = rows.first; r < rows.end; ++r)
      for (int column = 0; column < t.tile_columns; ++column) {
        const Corner<F> corner = corner_of<F>(t, r, column);
        for (int i = 0; i < width; ++i, z_tile += kLanes) {
          const float* from = dy.pixel(corner.pixel) + first_channel + panels.first_channel(panel) + i * kLanes;
          const int lanes = i + 1 < width ? kLanes : panels.last_lanes(panel);
          Vec g[F::kOut][F::kOut];
#pragma GCC unroll 4
          for (int a = 0; a < F::kOut; ++a)
#pragma GCC unroll 4
            for (int b = 0; b < F::kOut; ++b) {
              const float* pixel = from + (a * t.width + b) * dy.stride;
              g[a][b] = a >= corner.rows || b >= corner.columns ? simd::zero()
                        : lanes == kLanes                       ? simd::load(pixel)
                                                                : simd::load_n(pixel, lanes);
            }
          transform_gradient<F>(g, z_tile, s.z_stride());
        }
      }
    for (int tile = tiles; tile % 4 != 0; ++tile, z_tile += width * kLanes)
      for (int p = 0; p < kPositions<F>; ++p)
        std::memset(z_tile + z(p) * s.z_stride(), 0, z(width * kLanes) * sizeof(float));
  }
}

// Z of dy, and V of it for the product that leads back to x: two forms of what is loaded once.
template <class F>
void gradient_in_both_forms(const Tiling& t, const Sizes<F>& s, const Sizes<F>& turned, const Gradient& dy,
                            const Rows& rows, int first_channel, float* buffer, float* gradient, float* v) {
  static_assert(std::is_same_v<F, typename F::Turned> && F::kBefore == 1 && F::kStep == F::kOut);
  const Panels panels{s.out};
  const std::ptrdiff_t row = turned.columns * kPack;
  const int tiles = (rows.end - rows.first) * t.tile_columns;
  for (int c = 0; c < s.out; c += kPack, v += z(turned.tiles * kPack)) {
    for (int tile = 0; tile < ceil_div(tiles, 4) * 4; ++tile) {
      const bool beyond = tile >= tiles;
      if (beyond)
        clear_pixels(buffer, F::kIn * turned.columns);
      else if (tile % t.tile_columns == 0)
        pack_rows(t, turned, PixelsOfGradient{dy}, rows.first + tile / t.tile_columns, first_channel + c,
                  std::min(kPack, s.out - c), buffer);
      const float* const patch = buffer + (beyond ? 0 : tile % t.tile_columns * F::kStep * kPack);
      for (int lane = 0; lane < kPack; lane += kLanes) {
        transform_input<F>(patch + lane, row, v + tile * kPack + lane, turned.v_stride());
        const int vector = (c + lane) / kLanes, panel = panels.panel_of(vector);
        if (panel == panels.count()) continue;
        Vec g[F::kOut][F::kOut];
#pragma GCC unroll 4
        for (int i = 0; i < F::kOut; ++i)
#pragma GCC unroll 4
          for (int j = 0; j < F::kOut; ++j) g[i][j] = simd::load(patch + (i + 1) * row + (j + 1) * kPack + lane);
        float* const to = gradient + z(s.tiles * panels.first_channel(panel));
        transform_gradient<F>(g, to + (tile * panels.width(panel) + vector - panels.first_vector(panel)) * kLanes,
                              s.z_stride());
      }
    }
  }
}

// Where Z of a panel is, and dU: [position][input channel][padded output channels].
template <class F>
const float* z_of(const Sizes<F>& s, const float* gradient, int position, int panel) {
  return gradient + z(position) * s.z_stride() + z(s.tiles * Panels{s.out}.first_channel(panel));
}
template <class F>
float* du_of(const Sizes<F>& s, float* du, int position, int panel) {
  return du + z(position) * s.du_stride() + z(Panels{s.out}.first_channel(panel));
}

// V^T Z of a block, one position and panel: dU, or what is added to it.
template <class F>
void correlate_position(const Sizes<F>& s, const Range& slice, int tiles, const float* v, const float* gradient,
                        int position, int panel, float* du, bool add, Ahead& ahead) {
  const Panels panels{s.out};
  const int width = panels.width(panel);
  const micro::Pixels pixels{1, ceil_div(tiles, 4) * 4, 0, 0, width * kLanes, kPack};
  v += z(position) * s.v_stride() + z(slice.first * s.tiles);
  micro::with_width(width, [&]<int V>() {
    micro::correlate_rows<V, 1>(pixels, slice.count(), v, s.tiles * kPack, z_of(s, gradient, position, panel),
                                {du_of(s, du, position, panel), panels.padded(), add}, ahead);
  });
}

}  // namespace fanin::winograd
