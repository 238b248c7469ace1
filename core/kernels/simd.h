// The few vector operations that kernels use, over Highway with static dispatch: the width follows -march (FANIN_ARCH).
// SPDX-License-Identifier: MIT
#pragma once

#define HWY_COMPILE_ONLY_STATIC  // one target: that of the compiler flags
// Highway counts AES instructions in, which nothing here uses and -march=x86-64-v3 does not promise: without this line
// such a build gets 4 lanes instead of 8.
#define HWY_DISABLE_PCLMUL_AES
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstddef>

namespace fanin::simd {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using Vec = hn::Vec<Tag>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(Tag()));
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
static_assert(kLanes == 16, "Highway does not use the AVX-512 that the compiler was given");
#elif defined(__AVX2__) && defined(__FMA__)
static_assert(kLanes == 8, "Highway does not use the AVX2 that the compiler was given");
#endif

inline Vec zero() { return hn::Zero(Tag()); }
inline Vec broadcast(float value) { return hn::Set(Tag(), value); }
inline Vec load(const float* p) { return hn::LoadU(Tag(), p); }
inline void store(Vec v, float* p) { hn::StoreU(v, Tag(), p); }
// Past the caches: p is aligned, and nobody may read it before finish_streams.
inline void stream(Vec v, float* p) { hn::Stream(v, Tag(), p); }
inline void finish_streams() { hwy::FlushStream(); }
// Touch only the first n lanes in memory; the others are 0 after a load. SSE has no masked access: Highway would read
// and write whole vectors there, hence the detour through a local array.
inline Vec load_n(const float* p, int n) {
  if constexpr (kLanes >= 8) return hn::MaskedLoad(hn::FirstN(Tag(), static_cast<std::size_t>(n)), Tag(), p);
  float lanes[kLanes] = {};
  for (int i = 0; i < n; ++i) lanes[i] = p[i];
  return load(lanes);
}
inline void store_n(Vec v, float* p, int n) {
  if constexpr (kLanes >= 8) return hn::BlendedStore(v, hn::FirstN(Tag(), static_cast<std::size_t>(n)), Tag(), p);
  float lanes[kLanes];
  store(v, lanes);
  for (int i = 0; i < n; ++i) p[i] = lanes[i];
}
inline Vec fma(Vec a, Vec b, Vec c) { return hn::MulAdd(a, b, c); }  // a * b + c, rounded once
inline Vec plus(Vec a, Vec b) { return hn::Add(a, b); }
inline Vec minus(Vec a, Vec b) { return hn::Sub(a, b); }
inline Vec times(Vec a, Vec b) { return hn::Mul(a, b); }
inline Vec positive_part(Vec a) { return hn::Max(zero(), a); }  // this way round a NaN stays a NaN
inline Vec where_positive(Vec condition, Vec a) { return hn::IfThenElseZero(hn::Gt(condition, zero()), a); }
// v, in a register: without this GCC may load it again for each use.
[[gnu::always_inline]] inline Vec kept(Vec v) {
  asm("" : "+v"(v.raw));
  return v;
}
// Lane l of the result is lane l ^ r of v, r < min(8, kLanes).
[[gnu::always_inline]] inline Vec swap_lanes(Vec v, int r) {
  if constexpr (kLanes >= 8)
    if ((r & 4) != 0) v = hn::SwapAdjacentBlocks(v);
  if ((r & 3) == 1) return hn::Shuffle2301(v);
  if ((r & 3) == 2) return hn::Shuffle1032(v);
  if ((r & 3) == 3) return hn::Shuffle0123(v);
  return v;
}

}  // namespace fanin::simd
