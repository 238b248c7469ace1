// SPDX-License-Identifier: MIT
#include "core/tensor/parallel.h"

#include "core/check.h"
#include "core/tensor/matrix.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace fanin {

namespace {
int configured_threads = 0;
}

void set_thread_count(int threads) {
  FANIN_CHECK(threads >= 1 && threads <= 1024, usage, "--threads {}: give a number from 1 to 1024", threads);
  configured_threads = threads;
  omp_set_dynamic(0);
  omp_set_num_threads(threads);
  // Fixed numbers of a common core. Eigen would otherwise ask the CPU, and block (so round) differently on another
  // machine.
  Eigen::setCpuCacheSizes(32 * 1024, 1024 * 1024, 4 * 1024 * 1024);
  flush_denormals();
}

int thread_count() {
  if (configured_threads == 0) set_thread_count(std::max(1, omp_get_num_procs()));
  return configured_threads;
}

void flush_denormals() {
#if defined(__SSE2__)
  constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
  _mm_setcsr(_mm_getcsr() | kFlushToZero | kDenormalsAreZero);
#endif
}

}  // namespace fanin
