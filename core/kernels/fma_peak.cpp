// SPDX-License-Identifier: MIT
#include "core/kernels/fma_peak.h"

#include "core/kernels/simd.h"
#include "core/tensor/parallel.h"

#include <chrono>
#include <vector>

namespace fanin {

namespace {

constexpr int kChains = 12;  // independent sums: more than the 2 units x 4 cycles of a multiply-add
constexpr int kSteps = 20000;

float chains(float start) {
  simd::Vec sum[kChains];
  const simd::Vec a = simd::broadcast(0.999f), b = simd::broadcast(0.001f);
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) sum[i] = simd::broadcast(start + static_cast<float>(i));
  for (int step = 0; step < kSteps; ++step)
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sum[i] = simd::fma(sum[i], a, b);
  simd::Vec total = sum[0];
#pragma GCC unroll 12
  for (int i = 1; i < kChains; ++i) total = simd::plus(total, sum[i]);
  float lanes[simd::kLanes];
  simd::store(total, lanes);
  return lanes[0];
}

volatile float sink;  // a result that nobody read would not be computed

}  // namespace

int vector_lanes() { return simd::kLanes; }

double fma_peak(double seconds) {
  using Clock = std::chrono::steady_clock;
  std::vector<float> result(static_cast<std::size_t>(thread_count()));
  double best = 1e30;
  const Clock::time_point begin = Clock::now();
  do {
    const Clock::time_point start = Clock::now();
    parallel_for(thread_count(), [&](int t) { result[static_cast<std::size_t>(t)] = chains(static_cast<float>(t)); });
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
    sink = result[0];
  } while (std::chrono::duration<double>(Clock::now() - begin).count() < seconds);
  return 2e-9 * kChains * kSteps * simd::kLanes * thread_count() / best;
}

}  // namespace fanin
