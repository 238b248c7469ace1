// How Winograd convolution cuts an image into tiles, blocks and units, and how large the parts of a block are.
//   Tile     F::kOut x F::kOut outputs. Tiles of an image stand in rows; the last of a row or column may reach beyond the
//            border.
//   Block    whole rows of tiles, of one or several images: what is transformed and multiplied at a time.
//   Unit     whole images: what a thread takes where an epilogue wants to find them in the cache.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv_candidate.h"
#include "core/kernels/conv_pack.h"
#include "core/kernels/winograd_transforms.h"

#include <algorithm>

namespace fanin::winograd {

using micro::ceil_div;
using micro::kLanes;
using micro::kPack;
using micro::packs;
using micro::Panels;
using micro::z;

constexpr int kPanelsTogether = 2;
// Weights above this many (input x output channels) have gradients without private copies.
constexpr int kLargeWeights = 96 * 96;

inline bool is_large(const Grouping& g) { return g.in * g.out > kLargeWeights; }

template <class F>
constexpr int kPositions = F::kSide* F::kSide;

// Rounded up to an odd number of cache lines.
inline std::size_t position_stride(std::size_t floats) { return ((floats + 15) / 16 | 1) * 16; }

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
inline int least_units(const Grouping& g) { return ceil_div(is_large(g) ? kLeastTasks / 2 : kLeastTasks, g.count); }

struct Range {
  int first, end;
  int count() const { return end - first; }
};
using Rows = Range;  // of tiles

inline Rows rows_of_block(const Tiling& t, int block) {
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

}  // namespace fanin::winograd
