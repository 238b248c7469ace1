// The register tiles against plain loops, bit by bit: a sum is one fused multiply-add after the other, whatever the tile.
// SPDX-License-Identifier: MIT
#include "core/kernels/micro.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace fanin {
namespace {

using micro::kLanes;
using micro::kPack;
using micro::Panels;
using micro::z;

using Floats = std::vector<float>;

Floats numbers(std::size_t count) {
  Floats v(count);
  for (std::size_t i = 0; i < count; ++i) v[i] = std::sin(static_cast<float>(i) * 1.7f);
  return v;
}

constexpr int kMostPixels = 41;  // 6 x 6 + 5, 5 x 8 + 1, 2 x 16 + 9
constexpr std::ptrdiff_t kPackStride = kMostPixels * kPack;
constexpr std::ptrdiff_t kNoOffset[] = {0};

// a * b + c as the vector unit does it: SSE rounds twice.
float fma(float a, float b, float c) {
  float lanes[kLanes];
  simd::store(simd::fma(simd::broadcast(a), simd::broadcast(b), simd::broadcast(c)), lanes);
  return lanes[0];
}

float x_of(const Floats& x, int pixel, int channel) {
  return x[z(channel / kPack * static_cast<int>(kPackStride) + pixel * kPack + channel % kPack)];
}

TEST(Panels, HoldEveryVectorOnce) {
  for (int channels = 1; channels <= 40 * kLanes; ++channels) {
    const Panels panels{channels};
    int vector = 0;
    for (int panel = 0; panel < panels.count(); ++panel) {
      const int width = panels.width(panel);
      EXPECT_EQ(panels.first_vector(panel), vector) << channels << " channels, panel " << panel;
      EXPECT_LE(width, micro::kWidest) << channels;
      EXPECT_GE(width, std::min(2, panels.vectors())) << channels << ": a single vector";
      EXPECT_LE(width, panels.width(0)) << channels << ": wider ones come first";
      vector += width;
      EXPECT_EQ(panels.end_channel(panel + 1), std::min(channels, vector * kLanes));
      EXPECT_EQ(panels.last_lanes(panel), panels.end_channel(panel + 1) - (vector - 1) * kLanes);
      EXPECT_EQ(panels.vectors(0, panel + 1), vector);
    }
    EXPECT_EQ(vector, panels.vectors()) << channels;
    EXPECT_EQ(panels.count(), micro::ceil_div(vector, micro::kWidest)) << channels << ": as few as possible";
  }
}

// y of `pixels` pixels from a panel of V vectors, its last one of `lanes` channels.
template <int V>
void check_multiply(int pixels, int depth, int lanes, bool add) {
  const Floats x = numbers(z(micro::packs(depth) * static_cast<int>(kPackStride)));
  const Floats w = numbers(z(depth * V * kLanes));
  const int channels = (V - 1) * kLanes + lanes, stride = channels + 3;
  const Floats before = numbers(z(pixels * stride + V * kLanes));
  Floats y = before, sums(z(pixels * V * kLanes));
  const Floats begun = numbers(z(pixels * V * kLanes + 1));
  const bool begins = (pixels + depth) % 3 == 0;
  micro::multiply_deep<V>(pixels, {kNoOffset, 1, depth, kPackStride}, x.data(), w.data(),
                          micro::Target{y.data(), stride, lanes, add}, sums.data(), micro::kNothingAhead,
                          begins ? begun.data() : nullptr);
  Floats expected = before;
  for (int p = 0; p < pixels; ++p)
    for (int c = 0; c < channels; ++c) {
      float sum = begins ? begun[z(p * V * kLanes + c)] : 0;
      for (int k = 0; k < depth; ++k) sum = fma(x_of(x, p, k), w[z(k * V * kLanes + c)], sum);
      expected[z(p * stride + c)] = add ? before[z(p * stride + c)] + sum : sum;
    }
  EXPECT_EQ(y, expected) << V << " vectors, " << pixels << " pixels, " << depth << " deep, " << lanes << " lanes";
}

TEST(Tiles, MultiplyIsALoop) {
  for (int V = 1; V <= micro::kWidest; ++V)
    micro::with_width(V, []<int kVectors>() {
      for (int pixels = 1; pixels <= kMostPixels; ++pixels)
        for (const int depth : {1, 15, 16, 33, 128, 300})
          check_multiply<kVectors>(pixels, depth, pixels % kLanes + 1, depth % 2 == 0);
    });
}

// dw of `depth` input channels over `rows` rows of `columns` pixels; dy packed or not, V of its vectors from `first` on.
template <int V>
void check_correlate(int rows, int columns, int depth, int first, bool packed, bool add) {
  const Floats x = numbers(z(micro::packs(depth) * static_cast<int>(kPackStride)));
  const int pixels = rows * columns, channels = V * kLanes, all = first * kLanes + channels;
  const micro::Pixels sum_over{rows,
                               columns,
                               columns * kPack,
                               columns * (packed ? kPack : all),
                               packed ? kPack : all,
                               packed ? pixels * kPack : kPack,
                               first};
  const Floats dy = numbers(z(pixels * micro::packs(all) * kPack));
  const Floats before = numbers(z(depth * channels));
  Floats dw = before, expected = add ? before : Floats(before.size());
  micro::correlate_rows<V, 1>(sum_over, depth, x.data(), kPackStride, dy.data(), {dw.data(), channels, add});
  for (int k = 0; k < depth; ++k)
    for (int c = 0; c < channels; ++c) {
      const int channel = first * kLanes + c;
      float sum = 0;
      for (int p = 0; p < pixels; ++p) {
        const int at = packed ? channel / kPack * pixels * kPack + p * kPack + channel % kPack : p * all + channel;
        sum = fma(x_of(x, p, k), dy[z(at)], sum);
      }
      expected[z(k * channels + c)] += sum;
    }
  EXPECT_EQ(dw, expected) << V << " vectors from " << first << ", " << rows << " x " << columns << " pixels, " << depth
                          << " channels" << (add ? ", added" : "");
}

TEST(Tiles, CorrelateIsALoop) {
  for (int V = 1; V <= micro::kWidest; ++V)
    micro::with_width(V, []<int kVectors>() {
      for (const auto& [rows, columns] : {std::pair{1, 1}, {1, 16}, {1, 35}, {2, 17}, {4, 8}})
        for (const int depth : {1, 3, 12, 16, 23, 34})
          for (const int first : {0, 1, 3})
            for (const bool packed : {false, true})
              for (const bool add : {false, true}) check_correlate<kVectors>(rows, columns, depth, first, packed, add);
    });
}

}  // namespace
}  // namespace fanin
