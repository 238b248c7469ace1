// The microkernels on data in the L1 cache: register tiles, packing with BatchNorm and ReLU, Winograd's transforms.
// build/release/tests/micro_bench --benchmark_filter=multiply. Counters: FLOP/s of fused
// multiply-adds (2 each), or bytes/s read.
// SPDX-License-Identifier: MIT
#include "core/kernels/amx.h"
#include "core/kernels/conv_pack.h"
#include "core/kernels/winograd_transforms.h"

#include <benchmark/benchmark.h>

#include <new>
#include <vector>

namespace fanin {
namespace {

using micro::kLanes;
using micro::kPack;
using simd::Vec;

// Begins with a cache line, as the kernels' scratch does.
template <class T>
struct LineAllocator {
  static constexpr std::align_val_t kLine{64};
  using value_type = T;
  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kLine)); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, kLine); }
  bool operator==(const LineAllocator&) const = default;
};
using Floats = std::vector<float, LineAllocator<float>>;

Floats numbers(std::size_t count) {
  Floats v(count);
  for (std::size_t i = 0; i < count; ++i) v[i] = static_cast<float>(i % 17) * 0.125f - 1.0f;
  return v;
}

void set_flops(benchmark::State& state, double each) {
  state.counters["FLOP/s"] =
      benchmark::Counter(each * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

// One tile over 9 taps of 16 channels: a 3x3 convolution of a pack. XS: stride of the convolution.
template <int P, int V, int XS>
void multiply(benchmark::State& state) {
  constexpr int kColumns = P * XS + 2, kTaps = 9;
  const Floats x = numbers(3 * kColumns * kPack), w = numbers(kTaps * kPack * V * kLanes);
  Floats y(P * V * kLanes);
  std::ptrdiff_t offsets[kTaps];
  for (int t = 0; t < kTaps; ++t) offsets[t] = (t / 3 * kColumns + t % 3) * kPack;
  const micro::Depth depth{offsets, kTaps, kPack, 0};
  for (auto _ : state) {
    micro::multiply<P, V, XS>(depth, x.data(), w.data(), micro::Target{y.data(), V * kLanes, kLanes, false});
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  set_flops(state, 2.0 * kTaps * kPack * P * V * kLanes);
}

// One tile of a weight gradient over 64 pixels.
template <int K, int V, int XS>
void correlate(benchmark::State& state) {
  constexpr int kPixels = 64;
  const Floats x = numbers(kPixels * XS * kPack), dy = numbers(kPixels * V * kLanes);
  Floats dw(K * V * kLanes);
  const micro::Pixels pixels{1, kPixels, 0, 0, V * kLanes, kPack};
  for (auto _ : state) {
    micro::correlate<K, V, XS>(pixels, x.data(), dy.data(), {dw.data(), V * kLanes});
    benchmark::DoNotOptimize(dw.data());
    benchmark::ClobberMemory();
  }
  set_flops(state, 2.0 * kPixels * K * V * kLanes);
}

// 32 pixels of 16 or, with a remainder, 12 channels; range(0): channels, range(1): with BatchNorm and ReLU.
void pack(benchmark::State& state) {
  constexpr int kPixels = 32;
  const int channels = static_cast<int>(state.range(0));
  const Floats x = numbers(kPixels * kPack), rows = numbers(3 * kPack);
  Floats to(kPixels * kPack);
  InputTransform t;
  if (state.range(1) != 0) t = {rows.data(), rows.data() + kPack, rows.data() + 2 * kPack, true};
  for (auto _ : state) {
    pack_run(t, {x.data(), channels, kPixels, 0, channels}, to.data());
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * kPixels * channels * static_cast<int>(sizeof(float)));
}

// The one-dimensional transforms, rows and columns of one patch of a vector of channels: kPatch^2 inputs.
template <class F, int kIn, int kOut, void (*kTransform)(const Vec (&)[kIn], Vec (&)[kOut])>
void transform(benchmark::State& state) {
  const Floats from = numbers(kIn * kIn * kLanes);
  Floats to(kOut * kOut * kLanes);
  for (auto _ : state) {
    Vec half[kOut][kIn];
    for (int j = 0; j < kIn; ++j) {
      Vec column[kIn], result[kOut];
      for (int i = 0; i < kIn; ++i) column[i] = simd::load(&from[static_cast<std::size_t>((i * kIn + j) * kLanes)]);
      kTransform(column, result);
      for (int i = 0; i < kOut; ++i) half[i][j] = result[i];
    }
    for (int i = 0; i < kOut; ++i) {
      Vec result[kOut];
      kTransform(half[i], result);
      for (int j = 0; j < kOut; ++j) simd::store(result[j], &to[static_cast<std::size_t>((i * kOut + j) * kLanes)]);
    }
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int>(from.size() * sizeof(float)));
}

#if FANIN_AMX
// 32 x 32 sums of 64 products of numbers in kParts parts on the matrix unit; FLOP/s as if they were fp32.
template <int kParts>
void amx_multiply(benchmark::State& state) {
  if (!amx::available()) return state.SkipWithError("no AMX for bfloat16");
  constexpr int kDepth = 2, kSide = kDepth * kParts;
  const Floats x = numbers(2 * amx::kSide * amx::kSide);
  std::vector<amx::Tile> a(2 * kSide), b(2 * kSide);
  for (int i = 0; i < 2 * kDepth; ++i)
    for (std::vector<amx::Tile>* to : {&a, &b})
      amx::split(x.data(), x.data() + amx::kSide * amx::kSide, amx::kSide, kParts, &(*to)[std::size_t(i) * kParts]);
  Floats sums(4 * amx::kSide * amx::kSide);
  const amx::Session session;
  for (auto _ : state) {
    amx::multiply<2, 2, kParts, false>({a.data(), kSide, kParts}, {b.data(), kSide, kParts}, kDepth, sums.data(),
                                       2 * amx::kSide);
    benchmark::DoNotOptimize(sums.data());
    benchmark::ClobberMemory();
  }
  set_flops(state, 2.0 * 4 * amx::kSide * amx::kSide * amx::kDepth * kDepth);
}
BENCHMARK(amx_multiply<3>)->Name("amx/multiply/parts:3");
BENCHMARK(amx_multiply<2>)->Name("amx/multiply/parts:2");

void amx_split(benchmark::State& state) {
  const Floats x = numbers(2 * amx::kSide * amx::kSide);
  std::vector<amx::Tile> to(3);
  for (auto _ : state) {
    const int parts = static_cast<int>(state.range(0));
    (state.range(1) != 0 ? amx::split_transposed : amx::split)(x.data(), x.data() + amx::kSide * amx::kSide, amx::kSide,
                                                               parts, to.data());
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int>(x.size()));
}
BENCHMARK(amx_split)->Name("amx/split")->ArgNames({"parts", "transposed"})->ArgsProduct({{3, 2}, {0, 1}});
#endif

// The widest panel, and narrow ones, at the heights of their tiles.
constexpr int kWidest = micro::kWidest;
template <int V>
constexpr int H = micro::tile_height(V);
BENCHMARK(multiply<H<kWidest>, kWidest, 1>)->Name("multiply/widest");
BENCHMARK(multiply<H<2>, 2, 1>)->Name("multiply/2 vectors");
BENCHMARK(multiply<H<1>, 1, 1>)->Name("multiply/1 vector");
BENCHMARK(multiply<1, 2, 1>)->Name("multiply/1x2, a remainder");
BENCHMARK(multiply<H<kWidest>, kWidest, 2>)->Name("multiply/widest, stride 2");
BENCHMARK(correlate<H<kWidest>, kWidest, 1>)->Name("correlate/widest");
BENCHMARK(correlate<H<2>, 2, 1>)->Name("correlate/2 vectors");
BENCHMARK(correlate<H<1>, 1, 1>)->Name("correlate/1 vector");
BENCHMARK(correlate<3, 2, 1>)->Name("correlate/3x2, the stem");
BENCHMARK(pack)->Name("pack")->ArgNames({"channels", "transform"})->ArgsProduct({{16, 12}, {0, 1}});
BENCHMARK(transform<winograd::F2, 4, 4, winograd::F2::input>)->Name("winograd2/input");
BENCHMARK(transform<winograd::F2, 4, 2, winograd::F2::output>)->Name("winograd2/output");
BENCHMARK(transform<winograd::F4, 6, 6, winograd::F4::input>)->Name("winograd4/input");
BENCHMARK(transform<winograd::F4, 6, 4, winograd::F4::output>)->Name("winograd4/output");

}  // namespace
}  // namespace fanin

BENCHMARK_MAIN();
