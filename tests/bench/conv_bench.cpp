// Speed of the rungs of the convolution ladder on the layers of the catalog's networks, in GFLOP/s of a direct
// convolution (2 per multiply-add, so Winograd may exceed the peak), next to the peak of fused multiply-adds measured
// in the same run.
//   conv_bench [--time SECONDS] [--only SUBSTRING of a layer's name] [--rung NAME] [--plain]
// Every product runs as in training: with BatchNorm and ReLU at the load, moments, mask and sums; --plain: without.
// SPDX-License-Identifier: MIT
#include "core/kernels/conv_candidate.h"
#include "core/kernels/simd.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

namespace fanin {
namespace {

struct Layer {
  const char* name;
  Conv2d conv;
  Shape x;
  int stride;  // floats between pixels of x
};

Layer layer(const char* name, int in, int out, int kernel, int stride, int groups, int images, int size,
            int pixel_stride = 0) {
  return {name,
          {.in_channels = in,
           .out_channels = out,
           .kernel = kernel,
           .stride = stride,
           .padding = kernel / 2,
           .groups = groups},
          {images, size, size, in},
          pixel_stride == 0 ? in : pixel_stride};
}

std::vector<Layer> layers() {
  return {
      layer("wrn-16-1 stem", 3, 16, 3, 1, 1, 128, 32),
      layer("wrn-16-1 16@32", 16, 16, 3, 1, 1, 128, 32),
      layer("wrn-16-1 16-32@32/2", 16, 32, 3, 2, 1, 128, 32),
      layer("wrn-16-1 1x1 16-32@32/2", 16, 32, 1, 2, 1, 128, 32),
      layer("wrn-16-1 32@16", 32, 32, 3, 1, 1, 128, 16),
      layer("wrn-16-1 32-64@16/2", 32, 64, 3, 2, 1, 128, 16),
      layer("wrn-16-1 64@8", 64, 64, 3, 1, 1, 128, 8),
      layer("wrn-16-4 16-64@32", 16, 64, 3, 1, 1, 128, 32),
      layer("wrn-16-4 1x1 16-64@32", 16, 64, 1, 1, 1, 128, 32),
      layer("wrn-16-4 64@32", 64, 64, 3, 1, 1, 128, 32),
      layer("wrn-16-4 64-128@32/2", 64, 128, 3, 2, 1, 128, 32),
      layer("wrn-16-4 1x1 64-128@32/2", 64, 128, 1, 2, 1, 128, 32),
      layer("wrn-16-4 128@16", 128, 128, 3, 1, 1, 128, 16),
      layer("wrn-16-4 128-256@16/2", 128, 256, 3, 2, 1, 128, 16),
      layer("wrn-16-4 256@8", 256, 256, 3, 1, 1, 128, 8),
      layer("wrn-28-10 160@32", 160, 160, 3, 1, 1, 32, 32),
      layer("wrn-28-10 320@16", 320, 320, 3, 1, 1, 32, 16),
      layer("wrn-28-10 640@8", 640, 640, 3, 1, 1, 32, 8),
      layer("resnext-8x16d stem", 3, 64, 3, 1, 1, 64, 32),
      layer("resnext-8x16d 1x1 64-128@32", 64, 128, 1, 1, 1, 64, 32),
      layer("resnext-8x16d 1x1 128-256@32", 128, 256, 1, 1, 1, 64, 32),
      layer("resnext-8x16d 1x1 256-128@32", 256, 128, 1, 1, 1, 64, 32),
      layer("resnext-8x16d 8x16@32", 128, 128, 3, 1, 8, 64, 32),
      layer("resnext-8x16d 8x32@32/2", 256, 256, 3, 2, 8, 64, 32),
      layer("resnext-8x16d 1x1 256-512@32/2", 256, 512, 1, 2, 1, 64, 32),
      layer("resnext-8x16d 8x32@16", 256, 256, 3, 1, 8, 64, 16),
      layer("resnext-8x16d 1x1 512-256@16", 512, 256, 1, 1, 1, 64, 16),
      layer("resnext-8x16d 8x64@8", 512, 512, 3, 1, 8, 64, 8),
      layer("resnext-8x16d 1x1 1024-512@8", 1024, 512, 1, 1, 1, 64, 8),
      layer("resnext-32x4d 32x4@32", 128, 128, 3, 1, 32, 64, 32),
      layer("resnext-32x4d 32x8@32/2", 256, 256, 3, 2, 32, 64, 32),
      layer("resnext-32x4d 32x8@16", 256, 256, 3, 1, 32, 64, 16),
      layer("densenet 1x1 24-48@32", 24, 48, 1, 1, 1, 64, 32, 224),
      layer("densenet 1x1 120-48@32", 120, 48, 1, 1, 1, 64, 32, 224),
      layer("densenet 1x1 204-48@16", 204, 48, 1, 1, 1, 64, 16, 304),
      layer("densenet 1x1 336-48@8", 336, 48, 1, 1, 1, 64, 8, 352),
      layer("densenet 48-12@32", 48, 12, 3, 1, 1, 64, 32),
      layer("densenet 48-12@16", 48, 12, 3, 1, 1, 64, 16),
      layer("densenet 48-12@8", 48, 12, 3, 1, 1, 64, 8),
  };
}

// Best seconds of a repeated call.
template <class Fn>
double best_seconds(double budget, Fn&& fn) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30;
  const Clock::time_point begin = Clock::now();
  do {
    const Clock::time_point start = Clock::now();
    fn();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  } while (std::chrono::duration<double>(Clock::now() - begin).count() < budget);
  return best;
}

volatile float sink;

double peak_gflops(double budget) {
  constexpr int kChains = 12, kSteps = 20000;
  std::vector<float> result(static_cast<std::size_t>(thread_count()));
  const double seconds = best_seconds(budget, [&] {
    parallel_for(thread_count(), [&](int t) {
      simd::Vec sum[kChains];
      const simd::Vec a = simd::broadcast(0.999f), b = simd::broadcast(0.001f);
#pragma GCC unroll 12
      for (int i = 0; i < kChains; ++i) sum[i] = simd::broadcast(static_cast<float>(i));
      for (int step = 0; step < kSteps; ++step)
#pragma GCC unroll 12
        for (int i = 0; i < kChains; ++i) sum[i] = simd::fma(sum[i], a, b);
      simd::Vec total = sum[0];
#pragma GCC unroll 12
      for (int i = 1; i < kChains; ++i) total = simd::plus(total, sum[i]);
      float lanes[simd::kLanes];
      simd::store(total, lanes);
      result[static_cast<std::size_t>(t)] = lanes[0];
    });
  });
  sink = result[0];
  return 2e-9 * kChains * kSteps * simd::kLanes * thread_count() / seconds;
}

struct Options {
  double time = 0.2;
  std::string only, rung;
  bool plain = false;
};

void fill_random(Tensor& t, std::uint32_t seed) {
  const View v = t.view();
  for (std::size_t p = 0; p < v.shape.pixels(); ++p)
    for (int c = 0; c < v.shape.channels; ++c)
      v.pixel(p)[c] = static_cast<float>((seed = seed * 1664525u + 1013904223u) >> 8) / 8388608.0f - 1.0f;
}

// The last cell: both gradients from one load.
std::string joint(const Layer& l, const ConvCandidate& rung, const Options& o, const InputTransform& t, ConstView x,
                  ConstView dy, const std::vector<float>& w, View dx, const BackwardEpilogue& e, std::vector<float>& dw,
                  double gflop) {
  if (rung.backward == nullptr || !rung.fits(l.conv, l.x, ConvProduct::backward_input)) return " - |";
  Buffer scratch(rung.backward_scratch(l.conv, l.x, thread_count()));
  return fmt::format(" {:.0f} |", 2 * gflop / best_seconds(o.time, [&] {
                                    rung.backward(l.conv, x, t, dy, w.data(), dx, Write::overwrite, e, dw.data(),
                                                  scratch.span());
                                  }));
}

// GFLOP/s of the three products.
void measure(const Layer& l, const ConvCandidate& rung, const Options& o) {
  const Shape y_shape = l.conv.output_shape(l.x);
  Tensor x(l.x, l.stride), dx(l.x, l.stride), y(y_shape), dy(y_shape);
  fill_random(x, 1);
  fill_random(dy, 2);
  std::vector<float> w(l.conv.weight_shape().size(), 0.01f), dw(w.size());
  const std::size_t channels = static_cast<std::size_t>(l.x.channels);
  const std::vector<float> mean(channels, 0.1f), factor(channels, 1.1f), shift(channels, 0.2f);
  std::vector<float> moments(static_cast<std::size_t>(2 * l.x.images * y_shape.channels));
  std::vector<float> sums(static_cast<std::size_t>(2 * l.x.images) * channels);
  const bool is_stem = l.conv.in_channels == 3;
  const InputTransform t =
      o.plain || is_stem ? InputTransform{} : InputTransform{mean.data(), factor.data(), shift.data(), true};
  const ForwardEpilogue forward{{}, o.plain ? nullptr : moments.data()};
  const BackwardEpilogue backward = o.plain ? BackwardEpilogue{} : BackwardEpilogue{x.view(), t, sums.data()};
  const double gflop = 2e-9 * static_cast<double>(y_shape.pixels()) * static_cast<double>(w.size());
  std::string row = fmt::format("| {} | {} |", l.name, rung.name);
  for (const ConvProduct p : {ConvProduct::forward, ConvProduct::backward_input, ConvProduct::backward_weights}) {
    if (!rung.fits(l.conv, l.x, p)) {
      row += " - |";
      continue;
    }
    Buffer scratch(rung.scratch(l.conv, l.x, p, thread_count()));
    row +=
        fmt::format(" {:.0f} |", gflop / best_seconds(o.time, [&] {
                                   if (p == ConvProduct::forward)
                                     rung.forward(l.conv, x.view(), t, w.data(), y.view(), forward, scratch.span());
                                   else if (p == ConvProduct::backward_input)
                                     rung.backward_input(l.conv, dy.view(), w.data(), dx.view(), Write::overwrite,
                                                         backward, scratch.span());
                                   else
                                     rung.backward_weights(l.conv, x.view(), t, dy.view(), dw.data(), scratch.span());
                                 }));
  }
  row += joint(l, rung, o, t, x.view(), dy.view(), w, dx.view(), backward, dw, gflop);
  fmt::print("{}\n", row);
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--plain") o.plain = true;
    if (i + 1 == argc) break;
    if (word == "--time") o.time = std::atof(argv[i + 1]);
    if (word == "--only") o.only = argv[i + 1];
    if (word == "--rung") o.rung = argv[i + 1];
  }
  fmt::print("{} threads, {} lanes, peak {:.0f} GFLOP/s\n\n", thread_count(), simd::kLanes, peak_gflops(0.3));
  fmt::print(
      "| layer | rung | forward | backward_input | backward_weights | both at once |\n| --- | --- | --- | --- | --- | "
      "--- |\n");
  for (const Layer& l : layers()) {
    if (std::string(l.name).find(o.only) == std::string::npos) continue;
    for (const ConvCandidate* rung : {&conv_gemm, &conv_direct, &conv_pointwise, &conv_winograd2, &conv_winograd4})
      if ((o.rung.empty() || o.rung == rung->name) && rung->fits(l.conv, l.x, ConvProduct::forward))
        measure(l, *rung, o);
  }
  fmt::print("\npeak {:.0f} GFLOP/s\n", peak_gflops(0.3));
  return 0;
}

}  // namespace
}  // namespace fanin

int main(int argc, char** argv) { return fanin::run(argc, argv); }
