// What the backward products read and finish besides: a gradient that is put right while it is loaded, and sums of the
// finished gradient with other values.
// SPDX-License-Identifier: MIT
#include "core/kernels/conv_candidate.h"
#include "core/tensor/parallel.h"
#include "tests/core/random_values.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fanin {
namespace {

const ConvCandidate* const rungs[] = {&conv_gemm,    &conv_direct,    &conv_pointwise, &conv_strassen,
                                      &conv_grouped, &conv_winograd2, &conv_winograd4, &conv_amx};

Conv2d square(int in, int out, int kernel, int groups = 1) {
  return {
      .in_channels = in, .out_channels = out, .kernel = kernel, .stride = 1, .padding = kernel / 2, .groups = groups};
}

Conv2d shortcut(int in, int out) {
  Conv2d conv = square(in, out, 1);
  conv.stride = 2;
  return conv;
}

// 1x1 of all kinds, and narrow groups under larger kernels.
std::vector<Conv2d> convolutions() {
  std::vector<Conv2d> result;
  for (const int in : {3, 16, 50, 517})
    for (const int out : {1, 12, 16, 33, 64, 523}) {
      result.push_back(square(in, out, 1));
      if (in != 16) result.push_back(shortcut(in, out));
    }
  result.push_back(square(96, 64, 1));
  result.push_back(shortcut(64, 96));
  for (const int in : {12, 35, 48})  // winograd's, of few weights
    for (const int groups : {1, 2}) result.push_back(square(groups * in, groups * 12, 3, groups));
  result.push_back(square(34, 33, 3));
  for (const int width : {1, 2, 4, 8})
    for (const int kernel : {3, 5})
      for (const int stride : {1, 2}) {
        Conv2d conv = square(6 * width, 6 * width, kernel, 6);
        conv.stride = stride;
        result.push_back(conv);
      }
  return result;
}

// Awkward ones, but of whole blocks for the rung that takes nothing else.
Shape images(const ConvCandidate& rung, const Conv2d& conv, const Shape& awkward) {
  return &rung == &conv_strassen ? Shape{2, 8 * conv.stride, 16 * conv.stride, conv.in_channels} : awkward;
}

struct Both {
  std::vector<float> dx, dw;
};

Both backward(const ConvCandidate& rung, const Conv2d& conv, const Shape& shape, const Gradient& dy) {
  const Tensor x = random(shape, "x");
  const std::vector<float> w = random_row(static_cast<int>(conv.weight_shape().size()), "w");
  Both result{std::vector<float>(shape.size()), std::vector<float>(w.size())};
  const Buffer scratch(rung.backward_scratch(conv, shape, thread_count()));
  rung.backward(conv, x.view(), {}, dy, w.data(), {result.dx.data(), shape, shape.channels}, Write::overwrite, {},
                result.dw.data(), scratch.span());
  return result;
}

// The same operations in the same order as plain loops make them: equal to the last bit.
TEST(ConvGradient, LoadedItIsTheStoredOne) {
  int tried = 0;
  for (const ConvCandidate* rung : rungs) {
    if (!rung->loads_gradient) continue;
    for (const Conv2d& conv : convolutions()) {
      const int in = conv.in_channels, out = conv.out_channels;
      const bool scaled = (in + out) % 2 == 0;
      const Shape shape = images(*rung, conv, {3, 9, 8, in}), y_shape = conv.output_shape(shape);
      if (!rung->fits(conv, shape, ConvProduct::backward_input)) continue;
      const Tensor g = random(y_shape, "g"), y = random(y_shape, "y");
      const std::vector<float> ones(static_cast<std::size_t>(out), 1.0f);
      const std::vector<float> factor = scaled ? random_row(out, "factor") : ones,
                               constant = random_row(out, "constant"), slope = random_row(out, "slope"),
                               mean = random_row(out, "mean");
      Tensor dy(y_shape);
      for (std::size_t i = 0; i < y_shape.size(); ++i) {
        const std::size_t c = i % static_cast<std::size_t>(out);
        const float moved = y.view().data[i] - mean[c];
        dy.view().data[i] = g.view().data[i] * factor[c] - constant[c] - slope[c] * moved;
      }
      Gradient loaded(g.view());
      loaded.y = y.view();
      if (scaled) loaded.factor = factor.data();
      loaded.constant = constant.data(), loaded.slope = slope.data(), loaded.mean = mean.data();
      const Both expected = backward(*rung, conv, shape, dy.view()), actual = backward(*rung, conv, shape, loaded);
      EXPECT_EQ(actual.dx, expected.dx) << rung->name << " " << in << " -> " << out;
      EXPECT_EQ(actual.dw, expected.dw) << rung->name << " " << in << " -> " << out;
      ++tried;
    }
  }
  EXPECT_GE(tried, 30);
}

// Against sums in double of the gradient that the product wrote: pixels terms, three roundings each.
void expect_sums(ConstView dx, ConstView other, const std::vector<float>& mean, const std::vector<float>& sums) {
  constexpr double kUnit = std::numeric_limits<float>::epsilon() / 2;
  const int pixels = dx.shape.height * dx.shape.width, channels = dx.shape.channels;
  for (int n = 0; n < dx.shape.images; ++n)
    for (int c = 0; c < channels; ++c) {
      double sum = 0, size = 0, product = 0, product_size = 0;
      for (int p = 0; p < pixels; ++p) {
        const std::size_t pixel = static_cast<std::size_t>(n * pixels + p);
        const double g = dx.pixel(pixel)[c];
        const double term = g * (static_cast<double>(other.pixel(pixel)[c]) - mean[static_cast<std::size_t>(c)]);
        sum += g, size += std::abs(g);
        product += term, product_size += std::abs(term);
      }
      const float* s = sums.data() + static_cast<std::size_t>(2 * n * channels + c);
      ASSERT_NEAR(s[0], sum, kUnit * (pixels + 2) * size) << "image " << n << " channel " << c;
      ASSERT_NEAR(s[channels], product, kUnit * (pixels + 4) * product_size) << "image " << n << " channel " << c;
    }
}

TEST(ConvGradient, SumsWithOtherValues) {
  for (const ConvCandidate* rung : rungs)
    for (const Conv2d& conv :
         {square(16, 24, 1), square(35, 16, 1), shortcut(35, 20), square(96, 64, 1), shortcut(64, 96),
          square(16, 16, 3), square(33, 20, 3), square(24, 24, 3, 2), square(24, 24, 3, 6), square(10, 6, 5)}) {
      const Shape shape = images(*rung, conv, {3, 9, 7, conv.in_channels});
      if (!rung->fits(conv, shape, ConvProduct::backward_input)) continue;
      SCOPED_TRACE(std::string(rung->name) + " " + std::to_string(conv.in_channels));
      const int channels = conv.in_channels;
      const Tensor x = random(shape, "x"), dy = random(conv.output_shape(shape), "dy");
      const Tensor a = random(shape, "a"), b = random(shape, "b");
      const std::vector<float> w = random_row(static_cast<int>(conv.weight_shape().size()), "w");
      const std::vector<float> mean_a = random_row(channels, "mean a"), mean_b = random_row(channels, "mean b");
      std::vector<float> dw(w.size()), sums_a(static_cast<std::size_t>(2 * shape.images * channels), 7.0f),
          sums_b = sums_a;
      BackwardEpilogue e{.x = x.view(), .transform = {.relu = true}};
      e.others[0] = {a.view(), mean_a.data(), sums_a.data()};
      e.others[1] = {b.view(), mean_b.data(), sums_b.data()};
      for (const bool both : {false, true}) {
        if (both && rung->backward == nullptr) continue;
        Tensor dx = random(shape, "before");
        if (both)
          rung->backward(conv, x.view(), {}, dy.view(), w.data(), dx.view(), Write::add, e, dw.data(),
                         Buffer(rung->backward_scratch(conv, shape, thread_count())).span());
        else
          rung->backward_input(conv, dy.view(), w.data(), dx.view(), Write::add, e,
                               Buffer(rung->scratch(conv, shape, ConvProduct::backward_input, thread_count())).span());
        for (std::size_t i = 0; i < shape.size(); ++i)
          if (!(x.view().data[i] > 0)) {
            ASSERT_EQ(dx.view().data[i], 0.0f) << "masked element " << i;
          }
        expect_sums(dx.view(), a.view(), mean_a, sums_a);
        expect_sums(dx.view(), b.view(), mean_b, sums_b);
      }
    }
}

}  // namespace
}  // namespace fanin
