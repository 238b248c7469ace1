// Products of fp32 matrices on the matrix unit of recent Intel processors (AMX). It multiplies bfloat16 numbers, sixteen
// times as many in a cycle as the vector unit multiplies fp32 numbers; so numbers are taken apart into bfloat16, which
// have 8 of the 24 bits: x = h + m + l, exactly. The product of two bfloat16 is exact in fp32, in which the unit sums.
//   3 parts  ("bf16x6")  h h' + h m' + m h' + m m' + h l' + l h'; what is left out is less than 2^-23 |x x'|
//   2 parts  ("bf16x3")  h h' + h m' + m h'; what is left out is less than 3 * 2^-16 |x x'|
// Henry, Tang, Heinecke, "Leveraging the bfloat16 artificial intelligence datatype for higher-precision computations",
// ARITH 2019; parts are rounded to nearest here. Sums of 16 products begin at 0 before they are added to the result, so
// rounding errors of long sums are smaller than those of one multiply-add after the other.
// Numbers below 2^-126 count as 0. An infinite x, or one above 3.39e38, gives NaN.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/ahead.h"

#include <cstddef>
#include <cstdint>

#if defined(__AMX_TILE__) && defined(__AMX_BF16__) && defined(__AVX512BW__)
#define FANIN_AMX 1  // the compiler was given the unit (FANIN_ARCH)
#include <immintrin.h>
#else
#define FANIN_AMX 0
#endif

namespace fanin::amx {

constexpr int kSide = 16;   // rows and columns of a tile of sums
constexpr int kDepth = 32;  // terms that a pair of tiles adds to each sum

// A part of 16 rows (or columns) of a factor, 32 terms of each, in pairs: the low half of pair[r][j] comes first. Which
// terms make a pair is up to the caller, but both factors must agree.
struct alignas(64) Tile {
  std::uint32_t pair[kSide][kSide];
};

// Whether this program may use the unit: it was compiled for it, the processor has it and the system permits it.
bool available();

// The parts of the pairs (low[r][c], high[r][c]), one tile after the other; rows are `stride` floats apart.
void split(const float* low, const float* high, std::ptrdiff_t stride, int parts, Tile* to);
// Those of the pairs (low[c][r], high[c][r]).
void split_transposed(const float* low, const float* high, std::ptrdiff_t stride, int parts, Tile* to);

// While one of these lives, the tile registers of this thread are set up.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

// Part p of rows (or columns) [16 i, 16 i + 16) and terms [32 k, 32 k + 32) is first[i * side + k * depth + p].
struct Factor {
  const Tile* first;
  std::ptrdiff_t side, depth;
};

#if FANIN_AMX

// Registers: sums 0 to 3; 4 and 5 hold rows of a, 6 and 7 columns of b.
template <int R>
void load_rows(const Tile* first, std::ptrdiff_t side) {
  _tile_loadd(4, first, sizeof(first->pair[0]));
  if constexpr (R == 2) _tile_loadd(5, first + side, sizeof(first->pair[0]));
}
template <int C>
void load_columns(const Tile* first, std::ptrdiff_t side) {
  _tile_loadd(6, first, sizeof(first->pair[0]));
  if constexpr (C == 2) _tile_loadd(7, first + side, sizeof(first->pair[0]));
}
template <int R, int C>
void add_products() {
  _tile_dpbf16ps(0, 4, 6);
  if constexpr (C == 2) _tile_dpbf16ps(1, 4, 7);
  if constexpr (R == 2) _tile_dpbf16ps(2, 5, 6);
  if constexpr (R == 2 && C == 2) _tile_dpbf16ps(3, 5, 7);
}

// sums[16 R rows][16 C columns] = a b, or += with kAdd, over 32 * depth terms; rows of sums are `stride` floats apart.
template <int R, int C, int kParts, bool kAdd, class Next = const micro::NothingAhead>
void multiply(const Factor& a, const Factor& b, int depth, float* sums, std::ptrdiff_t stride,
              Next& next = micro::kNothingAhead) {
  asm volatile("" ::: "memory");  // the intrinsics do not tell GCC which memory they touch
  float* const below = sums + kSide * stride;
  const std::ptrdiff_t bytes = stride * std::ptrdiff_t{sizeof(float)};
  if constexpr (kAdd) {
    _tile_loadd(0, sums, bytes);
    if constexpr (C == 2) _tile_loadd(1, sums + kSide, bytes);
    if constexpr (R == 2) _tile_loadd(2, below, bytes);
    if constexpr (R == 2 && C == 2) _tile_loadd(3, below + kSide, bytes);
  } else {
    _tile_zero(0);
    if constexpr (C == 2) _tile_zero(1);
    if constexpr (R == 2) _tile_zero(2);
    if constexpr (R == 2 && C == 2) _tile_zero(3);
  }
  const Tile *x = a.first, *y = b.first;
  for (int k = 0; k < depth; ++k, x += a.depth, y += b.depth) {
    next.step();
    load_rows<R>(x, a.side);  // h
    if constexpr (kParts == 3) load_columns<C>(y + 2, b.side), add_products<R, C>();
    load_columns<C>(y + 1, b.side), add_products<R, C>();
    load_columns<C>(y, b.side), add_products<R, C>();
    if constexpr (kParts == 3) load_rows<R>(x + 2, a.side), add_products<R, C>();
    load_rows<R>(x + 1, a.side), add_products<R, C>();
    if constexpr (kParts == 3) load_columns<C>(y + 1, b.side), add_products<R, C>();
  }
  _tile_stored(0, sums, bytes);
  if constexpr (C == 2) _tile_stored(1, sums + kSide, bytes);
  if constexpr (R == 2) _tile_stored(2, below, bytes);
  if constexpr (R == 2 && C == 2) _tile_stored(3, below + kSide, bytes);
  asm volatile("" ::: "memory");
}

#endif

}  // namespace fanin::amx
