// SPDX-License-Identifier: MIT
#include "core/kernels/amx.h"

#if FANIN_AMX
#include <sys/syscall.h>
#include <unistd.h>

namespace fanin::amx {

// Linux gives the registers, 8 KiB a thread, only to processes that ask for them.
bool available() {
  static const bool permitted = [] {
    constexpr long kRequestPermission = 0x1023, kTileData = 18;  // Linux, Documentation/arch/x86/xstate.rst
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return permitted;
}

Session::Session() {
  available();  // asks for the permission, in case nobody has
  struct alignas(64) Configuration {
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {};
    std::uint8_t rows[16] = {};
  } c;
  for (int i = 0; i < 8; ++i) {
    c.row_bytes[i] = sizeof(Tile::pair[0]);
    c.rows[i] = kSide;
  }
  asm volatile("" ::"r"(&c) : "memory");  // GCC takes the instruction to read 8 bytes
  _tile_loadconfig(&c);
}
Session::~Session() { _tile_release(); }

namespace {
// x rounded to the 8 leading of its 24 bits, halves away from 0.
inline __m512i leading(__m512i x) {
  return _mm512_and_si512(_mm512_add_epi32(x, _mm512_set1_epi32(0x8000)),
                          _mm512_set1_epi32(static_cast<int>(0xffff0000u)));
}
inline __m512i minus(__m512i a, __m512i b) {
  return _mm512_castps_si512(_mm512_sub_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b)));
}
inline __m512i paired(__m512i low, __m512i high) { return _mm512_or_si512(_mm512_srli_epi32(low, 16), high); }

template <int kParts>
inline void split_row(__m512i low, __m512i high, int r, Tile* to) {
  __m512i l = leading(low), h = leading(high);
  _mm512_store_si512(to[0].pair[r], paired(l, h));
  low = minus(low, l), high = minus(high, h);
  l = leading(low), h = leading(high);
  _mm512_store_si512(to[1].pair[r], paired(l, h));
  if constexpr (kParts == 3) _mm512_store_si512(to[2].pair[r], paired(minus(low, l), minus(high, h)));
}

inline void transpose(__m512i (&r)[16]) {
  __m512i t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
    r[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
    r[4 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0x88);
    r[12 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0xdd);
  }
}

template <int kParts>
void split_of(const float* low, const float* high, std::ptrdiff_t stride, Tile* to) {
  for (int r = 0; r < kSide; ++r)
    split_row<kParts>(_mm512_loadu_si512(low + r * stride), _mm512_loadu_si512(high + r * stride), r, to);
}
template <int kParts>
void split_transposed_of(const float* low, const float* high, std::ptrdiff_t stride, Tile* to) {
  __m512i a[16];
  alignas(64) std::uint32_t columns[16][16];
#pragma GCC unroll 16
  for (int r = 0; r < 16; ++r) a[r] = _mm512_loadu_si512(low + r * stride);
  transpose(a);
#pragma GCC unroll 16
  for (int r = 0; r < 16; ++r) _mm512_store_si512(columns[r], a[r]);
#pragma GCC unroll 16
  for (int r = 0; r < 16; ++r) a[r] = _mm512_loadu_si512(high + r * stride);
  transpose(a);
#pragma GCC unroll 16
  for (int r = 0; r < 16; ++r) split_row<kParts>(_mm512_load_si512(columns[r]), a[r], r, to);
}
}  // namespace

void split(const float* low, const float* high, std::ptrdiff_t stride, int parts, Tile* to) {
  if (parts == 3) return split_of<3>(low, high, stride, to);
  split_of<2>(low, high, stride, to);
}
void split_transposed(const float* low, const float* high, std::ptrdiff_t stride, int parts, Tile* to) {
  if (parts == 3) return split_transposed_of<3>(low, high, stride, to);
  split_transposed_of<2>(low, high, stride, to);
}

}  // namespace fanin::amx

#else

namespace fanin::amx {
bool available() { return false; }
}  // namespace fanin::amx

#endif
