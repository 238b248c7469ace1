// How fast a network trains here: whole steps on random images (forward, loss, backward, SGD with Nesterov momentum and
// weight decay), without data loading. Times are those of this run on this machine; only ratios travel.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/layer.h"

#include <cstdint>
#include <string>

namespace fanin {

struct BenchOptions {
  std::string model = "wrn-16-1";
  int batch = 128, classes = 10;
  Mode mode = Mode::train;  // evaluate: forward only
  double seconds = 5.0;     // of timed steps, after three that warm up
};

struct BenchResult {
  int steps = 0;
  double step_ms_median = 0.0, images_per_second = 0.0;  // of the median step
  // 2 operations per multiply-add: of forward, and of the two products of backward (the first layer has one).
  double gflops = 0.0;
  std::uint64_t peak_rss_bytes = 0;  // of the whole process
};

// Throws as build_model does, and ErrorKind::memory if the network does not fit.
BenchResult bench(const BenchOptions& options);

}  // namespace fanin
