// What the kernels are measured against: the rate of fused multiply-adds on registers alone.
// SPDX-License-Identifier: MIT
#pragma once

namespace fanin {

// GFLOP/s (2 per multiply-add and lane) of thread_count() threads at once; the best of what fits into `seconds`.
double fma_peak(double seconds);
int vector_lanes();  // floats in a vector of this build

}  // namespace fanin
