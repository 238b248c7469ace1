// Every rung of the convolution ladder against the definition, over odd sizes, strides, paddings, groups, slices and
// both writes.
// Tolerance: a sum of n products in float, in any order, is off by at most about n * 2^-24 * sum |terms| (Higham 2002,
// section 3.1).
// SPDX-License-Identifier: MIT
#include "core/kernels/conv2d.h"

#include "core/kernels/conv_candidate.h"
#include "core/rng.h"
#include "core/tensor/parallel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fanin {
namespace {

struct Case {
  Conv2d conv;
  Shape x;
};

std::string describe(const Case& c) {
  return to_string(c.x) + " -> " + std::to_string(c.conv.out_channels) + " k" + std::to_string(c.conv.kernel) + " s" +
         std::to_string(c.conv.stride) + " p" + std::to_string(c.conv.padding) + " g" + std::to_string(c.conv.groups);
}

// Every combination that a remainder could hide in: channels around vector widths, images that no tile divides, batch
// 1.
std::vector<Case> cases() {
  std::vector<Case> result;
  for (const int kernel : {1, 2, 3, 5})
    for (const int stride : {1, 2, 3})
      for (const int padding : {0, 1, 2})
        for (const int size : {5, 9})
          result.push_back({{.in_channels = 3,
                             .out_channels = 5,
                             .kernel = kernel,
                             .stride = stride,
                             .padding = padding,
                             .groups = 1},
                            {2, size, size + 2, 3}});
  for (const int in : {1, 3, 15, 16, 17, 33})
    for (const int out : {1, 12, 16, 17, 32, 49})
      for (const int stride : {1, 2})
        result.push_back(
            {{.in_channels = in, .out_channels = out, .kernel = 3, .stride = stride, .padding = 1, .groups = 1},
             {1, 7, 21, in}});
  for (const int groups : {2, 3, 8})
    for (const int width : {1, 4, 17})
      for (const int kernel : {1, 3})
        result.push_back({{.in_channels = groups * width,
                           .out_channels = 2 * groups * width,
                           .kernel = kernel,
                           .stride = 1,
                           .padding = kernel / 2,
                           .groups = groups},
                          {3, 6, 5, groups * width}});
  result.push_back(
      {{.in_channels = 16, .out_channels = 16, .kernel = 3, .stride = 1, .padding = 1, .groups = 1}, {9, 32, 32, 16}});
  return result;
}

// A view into a wider matrix whose other channels hold guards that nobody may touch.
struct Slice {
  static constexpr float kGuard = 1234.5f;
  Slice(Shape shape, int before, int after)
      : wide(shape.with_channels(before + shape.channels + after)), first(before), channels(shape.channels) {
    fill(wide.view(), kGuard);
  }
  View view() { return wide.view().channels(first, channels); }
  void set_random(const Rng& rng) {
    std::size_t index = 0;
    for_each([&](float& v) { v = static_cast<float>(rng.normal(index++)); });
  }
  template <class Fn>
  void for_each(Fn&& fn) {
    const View v = view();
    for (std::size_t p = 0; p < v.shape.pixels(); ++p)
      for (int c = 0; c < channels; ++c) fn(v.pixel(p)[c]);
  }
  void expect_guards() {
    const View v = wide.view();
    for (std::size_t p = 0; p < v.shape.pixels(); ++p)
      for (int c = 0; c < v.shape.channels; ++c)
        if (c < first || c >= first + channels) {
          ASSERT_EQ(v.pixel(p)[c], kGuard) << "pixel " << p << " channel " << c << " outside the slice was written";
        }
  }
  Tensor wide;
  int first, channels;
};

struct Expected {
  std::vector<double> value, magnitude, terms;
  explicit Expected(std::size_t size) : value(size), magnitude(size), terms(size) {}
  void add(std::size_t i, double term) {
    value[i] += term;
    magnitude[i] += std::abs(term);
    terms[i] += 1;
  }
};

struct Definition {
  Expected y, dx, dw;
};

// One loop over the terms of the definition gives the three products: y += x w, dx += dy w, dw += dy x.
Definition define(const Conv2d& c, ConstView x, const float* w, ConstView dy) {
  Definition d{Expected(dy.shape.size()), Expected(x.shape.size()), Expected(c.weight_shape().size())};
  const int in = c.in_channels / c.groups, out = c.out_channels / c.groups;
  const auto pixel = [](const Shape& s, int n, int h, int v) {
    return (static_cast<std::size_t>(n) * s.height + h) * s.width + v;
  };
  for (int n = 0; n < dy.shape.images; ++n)
    for (int h = 0; h < dy.shape.height; ++h)
      for (int v = 0; v < dy.shape.width; ++v)
        for (int i = 0; i < c.kernel; ++i)
          for (int j = 0; j < c.kernel; ++j) {
            const int xh = h * c.stride - c.padding + i, xv = v * c.stride - c.padding + j;
            if (xh < 0 || xh >= x.shape.height || xv < 0 || xv >= x.shape.width) continue;
            const std::size_t yp = pixel(dy.shape, n, h, v), xp = pixel(x.shape, n, xh, xv);
            for (int o = 0; o < c.out_channels; ++o)
              for (int k = 0; k < in; ++k) {
                const int channel = o / out * in + k;
                const std::size_t wi = (static_cast<std::size_t>(i * c.kernel + j) * in + k) * c.out_channels + o;
                const double xv_ = x.pixel(xp)[channel], wv = w[wi], gv = dy.pixel(yp)[o];
                d.y.add(yp * dy.shape.channels + o, xv_ * wv);
                d.dx.add(xp * x.shape.channels + channel, gv * wv);
                d.dw.add(wi, gv * xv_);
              }
          }
  return d;
}

void expect_near(double actual, const Expected& e, std::size_t i, double start, const char* what) {
  const double unit = std::numeric_limits<float>::epsilon() / 2;
  const double tolerance = 1.01 * unit * (e.terms[i] + 1) * (e.magnitude[i] + std::abs(start));
  ASSERT_NEAR(actual, start + e.value[i], tolerance) << what << " element " << i;
}

void check(const ConvCandidate& rung, const Case& test) {
  const Conv2d& c = test.conv;
  const Shape y_shape = c.output_shape(test.x);
  if (y_shape.height < 1 || y_shape.width < 1) return;
  SCOPED_TRACE(std::string(rung.name) + " " + describe(test));
  Slice x(test.x, 1, 2), dx(test.x, 2, 3), y(y_shape, 3, 1), dy(y_shape, 1, 1);
  x.set_random(Rng::stream(1, "x"));
  dy.set_random(Rng::stream(1, "dy"));
  std::vector<float> w(c.weight_shape().size()), dw(w.size(), 0.5f);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(Rng::stream(1, "w").normal(i));
  const Definition d = define(c, x.view(), w.data(), dy.view());
  Buffer scratch(rung.scratch(c, test.x, thread_count()));
  std::fill(scratch.span().begin(), scratch.span().end(), std::numeric_limits<float>::quiet_NaN());

  if (rung.fits(c, test.x, ConvProduct::forward)) {
    y.for_each([](float& v) { v = std::numeric_limits<float>::quiet_NaN(); });
    rung.forward(c, x.view(), w.data(), y.view(), scratch.span());
    std::size_t i = 0;
    y.for_each([&](float v) { expect_near(v, d.y, i++, 0.0, "y"); });
    y.expect_guards();
  }
  if (rung.fits(c, test.x, ConvProduct::backward_input))
    for (const Write write : {Write::overwrite, Write::add}) {
      const float start = write == Write::add ? 2.0f : 0.0f;
      dx.for_each([&](float& v) { v = write == Write::add ? start : std::numeric_limits<float>::quiet_NaN(); });
      rung.backward_input(c, dy.view(), w.data(), dx.view(), write, scratch.span());
      std::size_t i = 0;
      dx.for_each([&](float v) { expect_near(v, d.dx, i++, start, "dx"); });
      dx.expect_guards();
    }
  if (rung.fits(c, test.x, ConvProduct::backward_weights)) {
    rung.backward_weights(c, x.view(), dy.view(), dw.data(), scratch.span());
    for (std::size_t i = 0; i < dw.size(); ++i) expect_near(dw[i], d.dw, i, 0.5, "dw");
  }
}

TEST(Conv2d, GemmIsTheDefinition) {
  for (const Case& c : cases()) check(conv_gemm, c);
}

TEST(Conv2d, DirectIsTheDefinition) {
  int fitting = 0;
  for (const Case& c : cases()) {
    check(conv_direct, c);
    fitting += conv_direct.fits(c.conv, c.x, ConvProduct::forward);
  }
  EXPECT_GT(fitting, 50);
}

TEST(Conv2d, SameBitsOnAnyNumberOfThreads) {
  const int before = thread_count();
  for (const Case& test : cases()) {
    const Conv2d& c = test.conv;
    const Shape y_shape = c.output_shape(test.x);
    if (y_shape.height < 1 || y_shape.width < 1) continue;
    std::uint64_t expected = 0;
    for (const int threads : {1, 2, 3, 7}) {
      set_thread_count(threads);
      Slice x(test.x, 0, 0), dx(test.x, 0, 0), y(y_shape, 0, 0), dy(y_shape, 0, 0);
      x.set_random(Rng::stream(2, "x"));
      dy.set_random(Rng::stream(2, "dy"));
      std::vector<float> w(c.weight_shape().size(), 0.25f), dw(w.size(), 0.0f);
      Buffer scratch(conv2d_scratch(c, test.x));
      conv2d_forward(c, x.view(), {}, w.data(), y.view(), {}, scratch.span());
      conv2d_backward_input(c, dy.view(), w.data(), dx.view(), Write::overwrite, {}, scratch.span());
      conv2d_backward_weights(c, x.view(), {}, dy.view(), dw.data(), scratch.span());
      std::uint64_t hash = hash_bytes(dw.data(), dw.size() * sizeof(float));
      hash = hash_bytes(y.view().data, y_shape.size() * sizeof(float), hash);
      hash = hash_bytes(dx.view().data, test.x.size() * sizeof(float), hash);
      if (threads == 1) expected = hash;
      EXPECT_EQ(hash, expected) << threads << " threads, " << describe(test);
    }
  }
  set_thread_count(before);
}

TEST(Conv2d, ChoiceIsTheFirstThatFits) {
  const Shape x{1, 8, 8, 16};
  const Conv2d three{.in_channels = 16, .out_channels = 16, .kernel = 3, .stride = 1, .padding = 1, .groups = 1};
  const Conv2d one{.in_channels = 16, .out_channels = 16, .kernel = 1, .stride = 1, .padding = 0, .groups = 1};
  EXPECT_EQ(conv2d_choice(three, x, ConvProduct::forward), "direct");
  EXPECT_EQ(conv2d_choice(one, x, ConvProduct::forward), "gemm");
}

}  // namespace
}  // namespace fanin
