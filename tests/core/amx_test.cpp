// The matrix unit: numbers are taken apart without loss, and its sums are those of plain loops to the last bit.
// SPDX-License-Identifier: MIT
#include "core/kernels/amx.h"

#include "core/kernels/amx.h"
#include "core/kernels/conv2d.h"

#include "core/check.h"
#include "core/kernels/conv2d.h"
#include "core/rng.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <vector>

namespace fanin {
namespace {

TEST(Amx, ChoosingItWithoutTheUnitIsAnError) {
  const ConvPrecision before = conv_precision();
  if (has_matrix_unit()) {
    set_conv_precision(ConvPrecision::bf16x6);
    EXPECT_EQ(name_of(conv_precision()), "bf16x6");
  } else {
    EXPECT_THROW(set_conv_precision(ConvPrecision::bf16x6), Error);
    EXPECT_EQ(conv_precision(), before);
  }
  set_conv_precision(before);
}

#if FANIN_AMX

using amx::kDepth;
using amx::kSide;
using amx::Tile;

float low(std::uint32_t pair) { return std::bit_cast<float>(pair << 16); }
float high(std::uint32_t pair) { return std::bit_cast<float>(pair & 0xffff0000u); }

class AmxUnit : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!amx::available()) GTEST_SKIP() << "this processor or system has no AMX for bfloat16";
  }
};

// Two 16 x 16 blocks, rows of both one after the other.
std::vector<float> numbers(const char* name, int rows, float scale = 1.0f) {
  const Rng rng = Rng::stream(7, name);
  std::vector<float> result(static_cast<std::size_t>(rows * kSide));
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = scale * static_cast<float>(rng.normal(i));
  return result;
}

TEST_F(AmxUnit, PartsAddUpToTheNumber) {
  std::vector<float> x = numbers("x", kDepth);
  // The largest that has parts, all bits set, halves on both sides, 0 of both signs, the least whose last part is normal.
  const float edges[] = {0x1.fefffep127f, -0x1.fffffep0f, 0x1.00fffep0f, 0x1.01p0f, 0x1.010002p0f,
                         -0x1.00ff01p-3f, 0.0f,           -0.0f,         0x1p-126f, 0x1.fffffep-103f};
  std::copy(std::begin(edges), std::end(edges), x.begin());
  Tile tiles[3], transposed[3];
  amx::split(x.data(), x.data() + kSide * kSide, kSide, 3, tiles);
  amx::split_transposed(x.data(), x.data() + kSide * kSide, kSide, 3, transposed);
  for (int r = 0; r < kSide; ++r)
    for (int c = 0; c < kSide; ++c) {
      const double first = x[static_cast<std::size_t>(r * kSide + c)];
      const double second = x[static_cast<std::size_t>((kSide + r) * kSide + c)];
      double sums[2] = {}, left[2] = {std::abs(first), std::abs(second)};
      for (int part = 0; part < 3; ++part) {
        const std::uint32_t pair = tiles[part].pair[r][c];
        EXPECT_EQ(pair, transposed[part].pair[c][r]);
        sums[0] += low(pair), sums[1] += high(pair);
        // A part is at most half a unit in the last place, 2^-8, of what was left.
        EXPECT_LE(std::abs(first - sums[0]), left[0] * 0x1p-8);
        EXPECT_LE(std::abs(second - sums[1]), left[1] * 0x1p-8);
        left[0] = std::abs(first - sums[0]), left[1] = std::abs(second - sums[1]);
      }
      EXPECT_EQ(sums[0], first) << "row " << r << " column " << c;
      EXPECT_EQ(sums[1], second) << "row " << r << " column " << c;
    }
  Tile two[2];
  amx::split(x.data(), x.data() + kSide * kSide, kSide, 2, two);
  EXPECT_EQ(std::memcmp(two, tiles, sizeof(two)), 0);
}

TEST_F(AmxUnit, WhatIsNotFiniteStaysSo) {
  for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN(), std::bit_cast<float>(0x7fffffffu)}) {
    std::vector<float> x = numbers("x", kDepth);
    x[5] = bad;
    Tile tiles[3];
    amx::split(x.data(), x.data() + kSide * kSide, kSide, 3, tiles);
    float sum = 0;
    for (const Tile& t : tiles) sum += low(t.pair[0][5]);
    EXPECT_TRUE(std::isnan(sum)) << bad;
  }
}

// What the unit does with one part of each factor (Intel SDM, TDPBF16PS): two sums over the 16 pairs, then theirs is
// added. Products are exact, so it does not matter whether multiply-adds are fused.
float pair_products(const Tile& a, int row, const Tile& b, int column) {
  float even = 0, odd = 0;
  for (int k = 0; k < kSide; ++k) {
    const std::uint32_t x = a.pair[row][k], y = b.pair[k][column];
    even += low(x) * low(y);
    odd += high(x) * high(y);
  }
  return even + odd;
}

constexpr int kPartOrder[][2] = {{0, 2}, {0, 1}, {0, 0}, {2, 0}, {1, 0}, {1, 1}};  // of the two factors

template <int R, int C, int kParts, bool kAdd>
void check_multiply() {
  constexpr int kDepths = 3, kSize = kDepths * kParts;
  std::vector<Tile> a(R * kSize), b(C * kSize);
  for (int i = 0; i < (R + C) * kDepths; ++i) {
    const std::vector<float> x = numbers(("factor " + std::to_string(i)).c_str(), kDepth);
    Tile* const to = i < R * kDepths ? &a[static_cast<std::size_t>(i * kParts)]
                                     : &b[static_cast<std::size_t>((i - R * kDepths) * kParts)];
    amx::split(x.data(), x.data() + kSide * kSide, kSide, kParts, to);
  }
  constexpr int kStride = C * kSide + 3;
  std::vector<float> sums(R * kSide * kStride, 0.25f);
  {
    const amx::Session session;
    amx::multiply<R, C, kParts, kAdd>({a.data(), kSize, kParts}, {b.data(), kSize, kParts}, kDepths, sums.data(),
                                      kStride);
  }
  for (int row = 0; row < R * kSide; ++row)
    for (int column = 0; column < kStride; ++column) {
      float expected = kAdd || column >= C * kSide ? 0.25f : 0.0f;
      for (int k = 0; column < C * kSide && k < kDepths; ++k)
        for (const auto& [p, q] : kPartOrder)
          if (p < kParts && q < kParts && (kParts == 3 || p + q < 2))
            expected +=
                pair_products(a[static_cast<std::size_t>(row / kSide * kSize + k * kParts + p)], row % kSide,
                              b[static_cast<std::size_t>(column / kSide * kSize + k * kParts + q)], column % kSide);
      EXPECT_EQ(sums[static_cast<std::size_t>(row * kStride + column)], expected)
          << R << " x " << C << ", " << kParts << " parts, row " << row << " column " << column;
    }
}

// Root mean square errors of sums of 512 products of random numbers, relative to the sums' own, as docs/performance.md
// tells them. What bf16x3 leaves out is at most 3 * 2^-16 of each product; errors of random signs do not add up to more.
TEST_F(AmxUnit, RoundingErrors) {
  constexpr int kDepths = 16;
  std::vector<Tile> a(3 * kDepths), b(3 * kDepths);
  double exact[kSide][kSide] = {}, size = 0, plain_error = 0, errors[2] = {};
  float plain[kSide][kSide] = {}, sums[2][kSide][kSide];
  for (int k = 0; k < kDepths; ++k) {
    const std::vector<float> x = numbers(("x " + std::to_string(k)).c_str(), kDepth);
    const std::vector<float> w = numbers(("w " + std::to_string(k)).c_str(), kDepth);
    amx::split_transposed(x.data(), x.data() + kSide * kSide, kSide, 3, &a[static_cast<std::size_t>(3 * k)]);
    amx::split(w.data(), w.data() + kSide * kSide, kSide, 3, &b[static_cast<std::size_t>(3 * k)]);
    for (std::size_t term = 0; term < kDepth; ++term)
      for (std::size_t row = 0; row < kSide; ++row)
        for (std::size_t column = 0; column < kSide; ++column) {
          const float xv = x[term * kSide + row], wv = w[term * kSide + column];
          exact[row][column] += static_cast<double>(xv) * wv;
          plain[row][column] = std::fma(xv, wv, plain[row][column]);
        }
  }
  {
    const amx::Session session;
    amx::multiply<1, 1, 3, false>({a.data(), 0, 3}, {b.data(), 0, 3}, kDepths, sums[0][0], kSide);
    amx::multiply<1, 1, 2, false>({a.data(), 0, 3}, {b.data(), 0, 3}, kDepths, sums[1][0], kSide);
  }
  for (int row = 0; row < kSide; ++row)
    for (int column = 0; column < kSide; ++column) {
      const double value = exact[row][column];
      size += value * value;
      plain_error += std::pow(plain[row][column] - value, 2);
      for (int i = 0; i < 2; ++i) errors[i] += std::pow(sums[i][row][column] - value, 2);
    }
  const double fma = std::sqrt(plain_error / size), six = std::sqrt(errors[0] / size),
               three = std::sqrt(errors[1] / size);
  std::printf("multiply-adds %.2g, bf16x6 %.2g, bf16x3 %.2g\n", fma, six, three);
  EXPECT_LT(six, fma);
  EXPECT_LT(three, 3 * 0x1p-16);
  EXPECT_GT(three, fma);  // else half of the products would do for everybody
}

TEST_F(AmxUnit, ItSumsAsPlainLoopsDo) {
  check_multiply<1, 1, 2, false>();
  check_multiply<1, 2, 2, true>();
  check_multiply<2, 1, 2, false>();
  check_multiply<2, 2, 2, true>();
  check_multiply<1, 1, 3, true>();
  check_multiply<1, 2, 3, false>();
  check_multiply<2, 1, 3, true>();
  check_multiply<2, 2, 3, false>();
}

#endif

}  // namespace
}  // namespace fanin
