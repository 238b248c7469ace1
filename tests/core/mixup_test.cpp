// SPDX-License-Identifier: MIT
#include "core/train/mixup.h"

#include "core/check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace fanin {
namespace {

// Beta(a, a) has mean 1/2 and variance 1 / (4 (2 a + 1)); five standard errors of 20,000 draws.
TEST(Mixup, SharesAreBeta) {
  for (const double alpha : {0.2, 1.0, 2.5}) {
    constexpr int n = 20000;
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < n; ++i) {
      const double x = beta_draw(alpha, Rng::stream(static_cast<std::uint64_t>(i), "share"));
      ASSERT_GE(x, 0.0);
      ASSERT_LE(x, 1.0);
      sum += x;
      squares += (x - 0.5) * (x - 0.5);
    }
    const double variance = 0.25 / (2.0 * alpha + 1.0);
    EXPECT_NEAR(sum / n, 0.5, 5.0 * std::sqrt(variance / n)) << alpha;
    EXPECT_NEAR(squares / n, variance, 5.0 * variance * std::sqrt(2.0 / n)) << alpha;  // kurtosis is below 3
  }
}

TEST(Mixup, MixesImagesAndNamesThePartners) {
  constexpr int images = 6;
  Tensor x({images, 2, 3, 1});
  std::vector<int> labels(images);
  for (int n = 0; n < images; ++n) {
    labels[static_cast<std::size_t>(n)] = n;
    for (std::size_t p = 0; p < 6; ++p) x.view().pixel(static_cast<std::size_t>(n) * 6 + p)[0] = static_cast<float>(n);
  }
  Mixup mixup(1.0, 7);
  Batch batch{x.view(), labels};
  const MixedLabels mixed = mixup.mix(batch, 3);
  ASSERT_EQ(mixed.other.size(), labels.size());
  EXPECT_GE(mixed.share, 0.5);
  for (std::size_t n = 0; n < images; ++n) {
    const double expected = mixed.share * labels[n] + (1.0 - mixed.share) * mixed.other[n];
    for (std::size_t p = 0; p < 6; ++p)
      EXPECT_NEAR(static_cast<double>(batch.images.pixel(n * 6 + p)[0]), expected, 6.0 * 0x1p-22);
  }
  Batch again{x.view(), labels};
  EXPECT_EQ(mixup.mix(again, 3).share, mixed.share) << "the same step draws the same";
}

TEST(Mixup, OffAndOutOfRange) {
  Tensor x({1, 1, 1, 1});
  const std::vector<int> labels = {0};
  Batch batch{x.view(), labels};
  const float* const before = batch.images.data;
  EXPECT_TRUE(Mixup().mix(batch, 0).other.empty());
  EXPECT_EQ(batch.images.data, before);
  EXPECT_THROW(Mixup(5.0, 1), Error);
}

// The loss of a mixture is the mean of two losses, and so is its gradient.
TEST(Mixup, TheLossIsTheMeanOfTwo) {
  Tensor logits({2, 1, 1, 3}), a({2, 1, 1, 3}), b({2, 1, 1, 3}), both({2, 1, 1, 3});
  for (std::size_t i = 0; i < 6; ++i) logits.view().data[i] = std::sin(static_cast<float>(i));
  const std::vector<int> first = {0, 2}, second = {1, 2};
  const float smoothing = 0.1f;
  const double one = softmax_cross_entropy(logits.view(), first, smoothing, a.view()).loss_sum;
  const double two = softmax_cross_entropy(logits.view(), second, smoothing, b.view()).loss_sum;
  const double mixed = softmax_cross_entropy(logits.view(), first, smoothing, both.view(), {second, 0.75}).loss_sum;
  EXPECT_NEAR(mixed, 0.75 * one + 0.25 * two, 1e-14);
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_NEAR(both.view().data[i], 0.75f * a.view().data[i] + 0.25f * b.view().data[i], 0x1p-23);
}

}  // namespace
}  // namespace fanin
