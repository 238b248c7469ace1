// Threads without a trace in the result. Work is cut into blocks by its shape, never by the thread count; each block
// writes its own memory; sums over blocks are added in block order. So any number of threads computes the same bits.
// Denormal floats are flushed to zero in every thread that computes, so results do not depend on which thread that was.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/tensor.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

namespace fanin {

void set_thread_count(int threads);  // >= 1; also switches off OpenMP's dynamic adjustment
int thread_count();                  // what set_thread_count was last given, or the cores this process may use
void flush_denormals();              // for the calling thread

namespace detail {

// Indices to be worked on, in as many runs as there are threads. A thread takes those of its own run, in order, so that
// what one index leaves in its caches serves the next; then what is left of the others': cores that others use as well
// are not equally fast.
class Runs {
 public:
  Runs(int count, int threads) : runs_(std::clamp(std::min(count, threads), 1, kMost)) {
    for (int r = 0; r < runs_; ++r) {
      run_[r].next.store(first_of(r, count), std::memory_order_relaxed);
      run_[r].end = first_of(r + 1, count);
    }
  }
  template <class Fn>
  void take(int thread, Fn& fn) {
    for (int r = 0; r < runs_; ++r) {
      Run& run = run_[(thread + r) % runs_];
      for (int i; (i = run.next.fetch_add(1, std::memory_order_relaxed)) < run.end;) fn(i);
    }
  }

 private:
  static constexpr int kMost = 64;  // further threads share
  struct alignas(64) Run {          // a cache line of its own
    std::atomic<int> next;
    int end;
  };
  int first_of(int run, int count) const { return static_cast<int>(std::int64_t{count} * run / runs_); }

  int runs_;
  Run run_[kMost];
};

}  // namespace detail

// Calls fn(index) for 0 <= index < count, each index once, in any order. fn must not throw.
template <class Fn>
void parallel_for(int count, Fn&& fn) {
  detail::Runs runs(count, thread_count());
#pragma omp parallel num_threads(thread_count())
  {
    flush_denormals();
    runs.take(omp_get_thread_num(), fn);
  }
}

// Pixels per block of an element-wise pass: about 64 KB of floats, a quarter of an L2 cache.
inline std::size_t rows_per_block(int channels) {
  return std::max<std::size_t>(1, 16384 / static_cast<std::size_t>(std::max(1, channels)));
}

namespace detail {
inline Shape flat(std::size_t rows, int channels) { return {static_cast<int>(rows), 1, 1, channels}; }
inline View rows_of(View v, std::size_t first, std::size_t count) {
  return {v.pixel(first), flat(count, v.shape.channels), v.stride};
}
inline ConstView rows_of(ConstView v, std::size_t first, std::size_t count) {
  return {v.pixel(first), flat(count, v.shape.channels), v.stride};
}
}  // namespace detail

inline int row_block_count(const Shape& shape) {
  const std::size_t rows = rows_per_block(shape.channels);
  return static_cast<int>((shape.pixels() + rows - 1) / rows);
}

// Calls fn(block, v1, v2, ...) with the same rows of every view, blocks numbered in row order. All views have equal
// pixels; the block size follows the first. Views arrive as (rows x 1 x 1 x channels).
template <class First, class... Rest, class Fn>
void for_numbered_row_blocks(Fn&& fn, First first, Rest... rest) {
  const std::size_t rows = rows_per_block(first.shape.channels);
  const std::size_t pixels = first.shape.pixels();
  parallel_for(row_block_count(first.shape), [&](int block) {
    const std::size_t begin = static_cast<std::size_t>(block) * rows;
    const std::size_t count = std::min(rows, pixels - begin);
    fn(block, detail::rows_of(first, begin, count), detail::rows_of(rest, begin, count)...);
  });
}

// for_row_blocks(x, y, [](ConstView x, View y) { as_matrix(y) = as_matrix(x).cwiseMax(0.0f); });
template <class X, class Y, class Fn>
void for_row_blocks(X x, Y y, Fn&& fn) {
  for_numbered_row_blocks([&](int, auto bx, auto by) { fn(bx, by); }, x, y);
}
template <class X, class Y, class Z, class Fn>
void for_row_blocks(X x, Y y, Z z, Fn&& fn) {
  for_numbered_row_blocks([&](int, auto bx, auto by, auto bz) { fn(bx, by, bz); }, x, y, z);
}

// For element-wise work that does not care about channels: calls fn(pointer, pointer, ..., count) with runs of floats
// at the same places of every view, as long as possible. Loops over such runs should carry `#pragma GCC ivdep`: views
// may be the same memory, never shifted.
template <class Fn, class First, class... Rest>
void for_runs(Fn&& fn, First first, Rest... rest) {
  const std::ptrdiff_t channels = first.shape.channels;
  const bool adjacent = first.stride == channels && ((rest.stride == channels) && ...);
  for_numbered_row_blocks(
      [&](int, auto f, auto... r) {
        const std::size_t pixels = f.shape.pixels();
        if (adjacent) return fn(f.data, r.data..., static_cast<std::ptrdiff_t>(pixels) * channels);
        for (std::size_t p = 0; p < pixels; ++p) fn(f.pixel(p), r.pixel(p)..., channels);
      },
      first, rest...);
}

}  // namespace fanin
