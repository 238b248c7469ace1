// What leaves the first convolution is white, measured on its output; the others pass their inputs on.
// SPDX-License-Identifier: MIT
#include "init/whitening.h"

#include "init/catalog.h"
#include "init/layer_pass.h"
#include "tests/support/error_of.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

using test::Specimen;

// Smooth images, whose neighbouring pixels agree: each is the mean of a 2x2 window of the specimen's noise.
void smooth(Specimen& s) {
  for (int n = 0; n < s.images.shape().images; ++n)
    for (int y = 0; y + 1 < 8; ++y)
      for (int x = 0; x + 1 < 8; ++x)
        for (int c = 0; c < 3; ++c) {
          const auto at = [&](int i, int j) -> float& {
            return s.images.view().pixel(static_cast<std::size_t>((n * 8 + y + i) * 8 + x + j))[c];
          };
          at(0, 0) = 0.25f * (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1));
        }
}

// E of products of two channels of the first convolution's output, over pixels whose patch lies within the image.
std::vector<std::vector<double>> moments(Specimen& s, int channels) {
  std::vector<std::vector<double>> sum(static_cast<std::size_t>(channels),
                                       std::vector<double>(static_cast<std::size_t>(channels), 0.0));
  WatchedPasses passes(s.net(), 1, [&](std::string_view node, ConstView v) {
    if (node != "conv0") return;
    const double count = v.shape.images * 36.0;
    for (int n = 0; n < v.shape.images; ++n)
      for (int y = 1; y < 7; ++y)
        for (int x = 1; x < 7; ++x) {
          const float* pixel = v.pixel(static_cast<std::size_t>((n * 8 + y) * 8 + x));
          for (std::size_t a = 0; a < sum.size(); ++a)
            for (std::size_t b = 0; b < sum.size(); ++b)
              sum[a][b] += static_cast<double>(pixel[a]) * static_cast<double>(pixel[b]) / count;
        }
  });
  passes.forward(s.batch());
  return sum;
}

TEST(Whitening, OutputsOfTheFirstConvolutionAreUncorrelatedAndOfVarianceOne) {
  Specimen s("plain-6-20", 32), he("plain-6-20", 32);
  smooth(s);
  smooth(he);
  make_scheme("whitening:epsilon=1e-6")->apply(s.net(), s.batch(), 1);
  make_scheme("kaiming_normal")->apply(he.net(), {}, 1);
  const std::vector<std::vector<double>> white = moments(s, 10), coloured = moments(he, 10);
  double largest = 0.0;
  for (std::size_t a = 0; a < 10; ++a)
    for (std::size_t b = 0; b < 10; ++b) {
      EXPECT_NEAR(white[a][b], a == b ? 1.0 : 0.0, 1e-4) << a << " " << b;  // 27 products in float, epsilon over 0.01
      if (a != b) largest = std::max(largest, std::fabs(coloured[a][b]) / std::sqrt(coloured[a][a] * coloured[b][b]));
    }
  EXPECT_GT(largest, 0.3) << "else any weights would pass";
  const std::span<float> w = s.net().find_parameter("conv0.weight")->value;
  for (std::size_t i = 0; i < w.size(); i += 20)
    for (std::size_t k = 0; k < 10; ++k) EXPECT_EQ(w[i + k], -w[i + k + 10]) << "filters come with their negatives";
}

TEST(Whitening, OtherConvolutionsPassOnWhatTheyCan) {
  Specimen s("plain-6-8"), base("plain-6-8");
  make_scheme("whitening")->apply(s.net(), s.batch(), 1);
  make_scheme("torch_default")->apply(base.net(), {}, 1);
  const Parameter& conv = *s.net().find_parameter("conv2.weight");  // 8 -> 16 channels
  std::vector<float> file(conv.shape.size()), before(conv.shape.size());
  to_file_order(conv.shape, conv.value, file);
  to_file_order(conv.shape, base.net().find_parameter("conv2.weight")->value, before);
  for (std::size_t i = 0; i < file.size(); ++i) {
    const std::size_t out = i / 72, in = i / 9 % 8, tap = i % 9;
    EXPECT_EQ(file[i], out >= 8 ? before[i] : out == in && tap == 4 ? 1.0f : 0.0f) << i;
  }
}

TEST(Whitening, NeedsAConvolutionFirst) {
  Specimen s("mlp-2-8");
  EXPECT_EQ(test::error_of([&] { make_scheme("whitening")->apply(s.net(), s.batch(), 1); }),
            "scheme 'whitening' needs a network that begins with a convolution, such as plain-8-16 or wrn-16-1");
  EXPECT_EQ(test::error_of([] { make_scheme("whitening:epsilon=0"); }), "whitening with epsilon 0; it must be above 0");
}

}  // namespace
}  // namespace fanin
