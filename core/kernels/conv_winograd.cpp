// Winograd convolution: 3x3 in F(4x4) with 36 instead of 144 multiplications for 16 outputs, or in F(2x2) with 16
// instead of 36 for 4. Tiles of the image are transformed, position by position of the transformed patch they are a
// matrix product over channels, the result is transformed back. With stride 2, F(2x2) by phases (winograd_transforms.h)
// takes 25 instead of 36 for 4 outputs.
//   Fits     3x3, padding 1; groups of at least kNarrow channels on both sides (narrower groups are merged to that by
//            Grouping where it can); with stride 2 only wide ones. Images of any size: what a tile has beyond the border
//            is 0 and dropped.
//   Block    16 to 64 tiles (block_tiles), whole rows of tiles, of one or several images: the unit that stays in the
//            cache.
//   Layout   V = B^T d B of the input: [position][pack of 16 channels][tile][16]. U of the weights:
//            [group][panel][position][input channel][vectors]. M = V U: [position][panel][tile][vectors] of
//            kPanelsTogether panels at a time: so M stays in the L2 cache and V comes from it once for all of them.
//            The distance of positions is odd in cache lines: 36 stores to a multiple of 4096 bytes would fall into one
//            set of the L1 cache and halve the speed.
//   Ahead    while a product runs, the factors of the next one are fetched, and the pixels of the next block.
//   Pack     the pixel rows under a row of tiles go through a small zero-bordered buffer, BatchNorm and ReLU on the way.
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
#include "core/kernels/conv_epilogue.h"
#include "core/kernels/conv_pack.h"
#include "core/kernels/conv_tile.h"
#include "core/kernels/winograd_transforms.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

#include <cstring>

namespace fanin {

namespace {

using micro::Ahead;
using micro::ceil_div;
using micro::kLanes;
using micro::kPack;
using micro::packs;
using micro::Panels;
using micro::z;
using simd::Vec;

constexpr int kNarrow = 12;
// With stride 2 and fewer weights a tap, transforms cost more than they save; with groups, kLargeWeights.
constexpr int kStridedWeights = 32 * 64;
constexpr int kPanelsTogether = 2;
// Weights above this many (input x output channels) have gradients without private copies.
constexpr int kLargeWeights = 96 * 96;
constexpr int kTaps = 9;
constexpr std::ptrdiff_t kNoOffset[] = {0};

template <class F>
bool fits(const Conv2d& c, const Shape&, ConvProduct) {
  const Grouping g(c);
  const int least = F::kStride == 1 ? 0 : g.count == 1 ? kStridedWeights : kLargeWeights;
  return c.kernel == 3 && c.stride == F::kStride && c.padding == 1 && g.in >= kNarrow && g.out >= kNarrow &&
         g.in * g.out >= least;
}

bool is_large(const Grouping& g) { return g.in * g.out > kLargeWeights; }

template <class F>
constexpr int kPositions = F::kSide* F::kSide;

// Rounded up to an odd number of cache lines.
std::size_t position_stride(std::size_t floats) { return ((floats + 15) / 16 | 1) * 16; }

// Tiles of a block. U of all groups comes from memory anew for every block, unless it stays in the L2 cache; then a block
// is small enough that V and M, or V and Z, stay there as well.
template <class F>
int block_tiles(int groups, int in, int out) {
  constexpr int kMost = 64, kLeast = 16, kU = 288 * 1024, kBlock = 192 * 1024;  // floats
  const int v = packs(in) * kPack, m = std::min(Panels{out}.padded(), kPanelsTogether * micro::kWidest * kLanes);
  int tiles = kMost;
  if (kPositions<F> * groups * in * Panels{out}.padded() <= kU)
    while (tiles > kLeast && kPositions<F> * tiles * (v + m) > kBlock) tiles /= 2;
  return tiles;
}

// Rows of tiles are numbered through all images; a block is a run of them, a unit the images in it. There are at least
// `least` units, if there are as many images: otherwise threads would have nothing to do.
struct Tiling {
  int images, height, width;
  int tile_rows, tile_columns;  // of an image
  int images_per_unit, rows_per_block;

  Tiling(const Shape& s, int out, int tiles, int least)
      : images(s.images),
        height(s.height),
        width(s.width),
        tile_rows(ceil_div(s.height, out)),
        tile_columns(ceil_div(s.width, out)) {
    const int fill = tiles / (tile_rows * tile_columns);
    images_per_unit = std::max(1, std::min(fill, ceil_div(images, least)));
    rows_per_block = fill > 0 ? images_per_unit * tile_rows : std::max(1, tiles / tile_columns);
  }
  int tile_capacity() const { return ceil_div(rows_per_block * tile_columns, 4) * 4; }
  int total_rows() const { return images * tile_rows; }
  int blocks() const { return ceil_div(total_rows(), rows_per_block); }
  int units() const { return ceil_div(images, images_per_unit); }
};

// As many units, or groups of units, there are at least; half of it for large weights, which come from memory for each.
constexpr int kLeastTasks = 4;
int least_units(const Grouping& g) { return ceil_div(is_large(g) ? kLeastTasks / 2 : kLeastTasks, g.count); }

struct Range {
  int first, end;
  int count() const { return end - first; }
};
using Rows = Range;  // of tiles

Rows rows_of_block(const Tiling& t, int block) {
  return {block * t.rows_per_block, std::min(t.total_rows(), (block + 1) * t.rows_per_block)};
}

// The sizes of the parts of a block. in, out: channels of a group.
template <class F>
struct Sizes {
  int tiles, in, out, columns;  // columns: pixels in a row of the pack buffer
  int slice;                    // input channels whose dU there is at a time: all, or fewer whole packs
  Sizes(const Tiling& t, int in_, int out_)
      : tiles(t.tile_capacity()),
        in(in_),
        out(out_),
        columns(t.tile_columns * F::kStep + F::kIn - F::kStep),
        slice(in_) {}
  std::size_t buffer() const { return z(F::kIn * columns * kPack); }
  std::size_t v_stride() const { return position_stride(z(packs(in) * tiles * kPack)); }
  std::size_t v() const { return v_stride() * kPositions<F>; }
  std::size_t m_stride() const {
    return position_stride(z(tiles * std::min(Panels{out}.vectors(), kPanelsTogether * micro::kWidest) * kLanes));
  }
  std::size_t m() const { return m_stride() * kPositions<F>; }
  std::size_t z_stride() const { return position_stride(z(tiles * Panels{out}.padded())); }
  std::size_t z_floats() const { return z_stride() * kPositions<F>; }
  std::size_t u_stride(int width) const { return position_stride(z(in * width * kLanes)); }
  std::size_t u_panel_offset(int panel) const {
    const Panels panels{out};
    const int wider = std::min(panel, panels.wider()), width = panels.vectors() / panels.count();
    return kPositions<F> * (z(wider) * u_stride(width + 1) + z(panel - wider) * u_stride(width));
  }
  std::size_t u_floats(const Range& p) const { return u_panel_offset(p.end) - u_panel_offset(p.first); }
  Range panels() const { return {0, Panels{out}.count()}; }  // all
  std::size_t u() const { return u_floats(panels()); }
  std::size_t du_stride() const { return position_stride(z(slice * Panels{out}.padded())); }
  std::size_t du() const { return du_stride() * kPositions<F>; }
};

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
void add_rows(Ahead& ahead, const Tiling& t, ConstView v, const Rows& rows, int step) {
  if (v.data == nullptr || rows.first >= t.total_rows()) return;
  const int height = v.shape.height, width = v.shape.width;
  const auto row_of = [&](int r) { return r / t.tile_rows * height + std::min(height, r % t.tile_rows * step); };
  const int first = row_of(rows.first), end = row_of(std::min(rows.end, t.total_rows()));
  ahead.add(v.pixel(z(first) * z(width)), v.stride, (end - first) * width, v.shape.channels);
}

void clear_pixels(float* to, int pixels) {
  for (float* const end = to + z(pixels * kPack); to < end; to += kLanes) simd::store(simd::zero(), to);
}

// The pixel rows under a row of tiles, one pack of channels, zero-bordered.
template <class F>
void pack_rows(const Tiling& t, const Sizes<F>& s, ConstView x, const InputTransform& transform, int tile_row,
               int first, int channels, float* buffer) {
  const int height = x.shape.height, width = x.shape.width;
  const int image = tile_row / t.tile_rows, top = tile_row % t.tile_rows * F::kStep - F::kBefore;
  for (int i = 0; i < F::kIn; ++i) {
    float* const row = buffer + z(i * s.columns * kPack);
    if (top + i < 0 || top + i >= height) {
      clear_pixels(row, s.columns);
      continue;
    }
    const float* from = x.pixel((z(image) * z(height) + z(top + i)) * z(width));
    clear_pixels(row, F::kBefore);
    pack_run(transform, {from, x.stride, width, first, channels}, row + F::kBefore * kPack);
    clear_pixels(row + z((width + F::kBefore) * kPack), s.columns - width - F::kBefore);
  }
}

// V of the tiles in `rows`, input channels of a group; tiles up to a multiple of 4 are 0.
template <class F>
void input_block(const Tiling& t, const Sizes<F>& s, ConstView x, const InputTransform& transform, const Rows& rows,
                 int first_channel, float* buffer, float* v) {
  const int tiles = (rows.end - rows.first) * t.tile_columns;
  for (int c = 0; c < s.in; c += kPack, v += z(s.tiles * kPack)) {
    float* to = v;
    for (int r = rows.first; r < rows.end; ++r) {
      pack_rows(t, s, x, transform, r, first_channel + c, std::min(kPack, s.in - c), buffer);
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
                   const Range& range, Ahead& pixels) {
  Ahead ahead(&pixels);
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

// y of the tiles in `rows`, output channels of a group: for some panels the products of all positions, then back.
template <class F>
void output_block(const Tiling& t, const Sizes<F>& s, const float* v, const TransformedWeights& w, const Rows& rows,
                  float* m, View y, int first_channel, Write write, const BackwardEpilogue& e, Ahead& pixels) {
  const bool plain = empty(e);
  const Panels panels{s.out};
  const int tiles = ceil_div((rows.end - rows.first) * t.tile_columns, 4) * 4;
  const micro::Depth depth{kNoOffset, 1, s.in, s.tiles * kPack};
  const auto fetch_soon = [&](ConstView other) {
    if (other.data != nullptr) add_rows(pixels, t, other.channels(first_channel, s.out), rows, F::kOut);
  };
  fetch_soon(y);
  if (!plain) {
    for (const GradientSums& o : e.others) fetch_soon(o.x);
    fetch_soon(e.x);
  }
  for (int first = w.panels.first; first < w.panels.end; first += kPanelsTogether) {
    const int end = std::min(w.panels.end, first + kPanelsTogether);
    const auto m_of = [&](int panel) {
      return m + z(s.tiles * (panels.first_channel(panel) - panels.first_channel(first)));
    };
    for (int p = 0; p < kPositions<F>; ++p)
      for (int panel = first; panel < end; ++panel) {
        Ahead ahead = next_factors(s, v, w, p, panel, {first, end}, pixels);
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

// Where Z of a panel is, and dU: [position][input channel][padded output channels].
template <class F>
const float* z_of(const Sizes<F>& s, const float* gradient, int position, int panel) {
  return gradient + z(position) * s.z_stride() + z(s.tiles * Panels{s.out}.first_channel(panel));
}
template <class F>
float* du_of(const Sizes<F>& s, float* du, int position, int panel) {
  return du + z(position) * s.du_stride() + z(Panels{s.out}.first_channel(panel));
}

// dU += V^T Z of a block, one position and panel.
template <class F>
void correlate_position(const Sizes<F>& s, const Range& slice, int tiles, const float* v, const float* gradient,
                        int position, int panel, float* du, Ahead& ahead) {
  const Panels panels{s.out};
  const int width = panels.width(panel);
  const micro::Pixels pixels{1, ceil_div(tiles, 4) * 4, 0, 0, width * kLanes, kPack};
  v += z(position) * s.v_stride() + z(slice.first * s.tiles);
  micro::with_width(width, [&]<int V>() {
    micro::correlate_rows<V, 1>(pixels, slice.count(), v, s.tiles * kPack, z_of(s, gradient, position, panel),
                                du_of(s, du, position, panel), panels.padded(), ahead);
  });
}

template <class F>
void clear_panel(const Sizes<F>& s, int rows, int position, int panel, float* du) {
  const Panels panels{s.out};
  float* to = du_of(s, du, position, panel);
  for (int i = 0; i < rows; ++i, to += panels.padded()) std::fill_n(to, panels.width(panel) * kLanes, 0.0f);
}

// ----------------------------------------------------------------------------------------------------- the products

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
      Ahead ahead;
      add_rows(ahead, t, share, {rows.end, rows.end + t.rows_per_block}, F::kStep);
      for (int k = first_group; k < first_group + together; ++k) {
        const int group = part.first_group + k;
        input_block<F>(t, s, x, transform, rows, group * s.in, buffer, v);
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

struct BlockMemory {
  float *buffer, *v, *gradient;
};

// dU += V^T Z of a block and group.
template <class F>
void correlate_block(const Grouping& g, const Tiling& t, const Sizes<F>& s, ConstView x,
                     const InputTransform& transform, ConstView dy, const Rows& rows, int group, const BlockMemory& m,
                     float* du, Ahead& ahead) {
  input_block<F>(t, s, x, transform, rows, group * g.in, m.buffer, m.v);
  gradient_block<F>(t, s, dy, rows, group * g.out, m.gradient);
  const int tiles = (rows.end - rows.first) * t.tile_columns;
  for (int position = 0; position < kPositions<F>; ++position)
    for (int panel = 0; panel < Panels{g.out}.count(); ++panel)
      correlate_position<F>(s, {0, g.in}, tiles, m.v, m.gradient, position, panel, du, ahead);
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
      std::fill_n(partial, z(groups) * p.s.du(), 0.0f);
      for (int b = chunk * blocks / chunks; b < (chunk + 1) * blocks / chunks; ++b) {
        const Rows rows = rows_of_block(t, b), next = rows_of_block(t, b + 1);
        Ahead ahead;
        add_rows(ahead, t, dy.channels(first * g.out, groups * g.out), next, F::kOut);
        add_rows(ahead, t, x.channels(first * g.in, groups * g.in), next, F::kStep);
        for (int k = 0; k < groups; ++k)
          correlate_block<F>(g, t, p.s, x, transform, dy, rows, first + k, {buffer, v, gradient},
                             partial + z(k) * p.s.du(), ahead);
      }
    });
    add_gradient<F>(g, p.s, du, first, groups, {0, g.in}, chunks, dw);
  }
}

// dU of a slice += that of `count` blocks from `first` on, one position and panel; V and Z of the blocks are at `blocks`.
template <class F>
void correlate_blocks(const GradientParts<F>& p, const float* blocks, int first, int count, const Range& slice,
                      int position, int panel, float* du) {
  const Tiling& t = p.t;
  const Sizes<F>& s = p.s;
  const Panels panels{s.out};
  const auto v_of = [&](int b) { return blocks + z(b) * p.block; };
  const auto gradient_of = [&](int b) { return v_of(b) + s.v(); };
  for (int b = 0; b < count; ++b) {
    const int next = b + 1 < count ? b + 1 : 0, next_panel = next > 0 ? panel : panel + 1;
    Ahead ahead;
    if (next > 0)
      ahead.add(v_of(next) + z(position) * s.v_stride() + z(slice.first * s.tiles),
                z(packs(slice.count()) * s.tiles * kPack));
    if (next_panel < panels.count())
      ahead.add(z_of(s, gradient_of(next), position, next_panel), z(s.tiles * panels.width(next_panel) * kLanes));
    if (next == 0 && next_panel < panels.count())
      ahead.add(du_of(s, du, position, next_panel), panels.padded(), slice.count(), panels.width(next_panel) * kLanes);
    const Rows rows = rows_of_block(t, first + b);
    correlate_position<F>(s, slice, rows.count() * t.tile_columns, v_of(b), gradient_of(b), position, panel, du, ahead);
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
        input_block<F>(t, p.s, x, transform, rows, group * g.in, buffers + z(omp_get_thread_num()) * p.s.buffer(), v);
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
          if (first == 0) clear_panel<F>(p.s, slice.count(), position, panel, du);
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

// What one block of the joint backward pass needs: V and Z, and after them V of dy and M.
template <class F>
struct JointParts {
  Tiling t;
  Sizes<F> s, turned;
  std::size_t block;
  JointParts(const Grouping& g, const Shape& x)
      : t(x, F::kOut, std::min(block_tiles<F>(g.count, g.in, g.out), block_tiles<F>(g.count, g.out, g.in)),
          kLeastTasks),
        s(t, g.in, g.out),
        turned(t, g.out, g.in),
        block(std::max(s.v() + s.z_floats(), turned.v() + turned.m())) {}
};

// Both gradients of whole images: x and dy come from memory once and are in the L2 cache for the second product.
template <class F>
void backward_together(const Grouping& g, const JointParts<F>& p, ConstView x, const InputTransform& transform,
                       ConstView dy, const float* w, View dx, Write write, const BackwardEpilogue& e, float* dw,
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
    float *const gradient = v + p.s.v(), *const m = v + p.turned.v();
    float* const partial = du + z(chunk * g.count) * p.s.du();
    std::fill_n(partial, z(g.count) * p.s.du(), 0.0f);
    const int first_image = chunk * units / chunks * unit;
    const int end_image = std::min(t.images, (chunk + 1) * units / chunks * unit);
    for (int image = first_image; image < end_image; ++image) clear_sums(e, dx.shape, image);
    for (int r = first_image * t.tile_rows; r < end_image * t.tile_rows;) {
      const int end_unit = std::min(end_image, (r / t.tile_rows / unit + 1) * unit) * t.tile_rows;
      const Rows rows{r, std::min(end_unit, r + t.rows_per_block)}, next{rows.end, rows.end + t.rows_per_block};
      Ahead ahead;
      add_rows(ahead, t, dy, next, F::kOut);
      add_rows(ahead, t, x, next, F::kStep);
      for (int group = 0; group < g.count; ++group) {
        correlate_block<F>(g, t, p.s, x, transform, dy, rows, group, {buffer, v, gradient},
                           partial + z(group) * p.s.du(), ahead);
        input_block<F>(t, p.turned, dy, {}, rows, group * g.out, buffer, v);
        output_block<F>(t, p.turned, v, {u + z(group) * p.turned.u(), p.turned.panels()}, rows, m, dx, group * g.in,
                        write, e, ahead);
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
  backward_together<F>(g, JointParts<F>(g, x.shape), x, transform, dy.g, w, dx, write, e, dw, Scratch(scratch));
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

const ConvCandidate conv_winograd2 = rung<winograd::F2>("winograd2");
const ConvCandidate conv_winograd4 = unless_exact(rung<winograd::F4>("winograd4"));
const ConvCandidate conv_strided2 = rung<winograd::Strided2>("strided2");

}  // namespace fanin
