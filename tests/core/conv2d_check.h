// A convolution product of any rung against the definition: everything that it reads at random, in slices of wider
// matrices whose other channels nobody may touch.
// Tolerance: a sum of n products in float, in any order, is off by at most about n * 2^-24 * sum |terms| (Higham 2002,
// section 3.1); Winograd and Strassen have bounds of their own (winograd_bound.h, strassen_bound.h).
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv_candidate.h"
#include "core/rng.h"
#include "core/tensor/parallel.h"
#include "tests/core/strassen_bound.h"
#include "tests/core/winograd_bound.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace fanin::test {

struct Case {
  Conv2d conv;
  Shape x;
  // Channels of x and y for which the definition is worked out; empty: all. What other channels' products are is not
  // looked at.
  std::vector<int> in = {}, out = {};
};

inline std::string describe(const Case& c) {
  return to_string(c.x) + " -> " + std::to_string(c.conv.out_channels) + " k" + std::to_string(c.conv.kernel) + " s" +
         std::to_string(c.conv.stride) + " p" + std::to_string(c.conv.padding) + " g" + std::to_string(c.conv.groups);
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
  std::vector<double> value, magnitude;
  std::vector<double> terms;
  std::vector<bool> known;
  Expected(std::size_t size, bool all) : value(size), magnitude(size), terms(size, 1), known(size, all) {}
  void add(std::size_t i, double term, double size) {
    value[i] += term;
    magnitude[i] += size;
    terms[i] += 1;
  }
};

constexpr double kUnit = std::numeric_limits<float>::epsilon() / 2;

// Everything that a product reads, at random; with_extras: transforms, sums and epilogues.
struct Problem {
  Conv2d conv;
  std::vector<bool> in, out;  // channels of x and y to look at
  Shape y_shape;
  Slice x, dy, add;
  std::vector<float> w, mean, factor, shift;
  InputTransform transform;
  std::vector<double> v, v_size;  // x as the product sees it, and a bound of |v| that survives cancellation

  Problem(const Case& c, bool with_extras)
      : conv(c.conv),
        in(wanted(c.in, c.conv.in_channels)),
        out(wanted(c.out, c.conv.out_channels)),
        y_shape(conv.output_shape(c.x)),
        x(c.x, 1, 2),
        dy(y_shape, 1, 1),
        add(y_shape, 2, 1),
        w(conv.weight_shape().size()) {
    x.set_random(Rng::stream(1, "x"));
    dy.set_random(Rng::stream(1, "dy"));
    add.set_random(Rng::stream(1, "add"));
    const auto draw = [](std::vector<float>& to, const char* name, float scale, float offset) {
      const Rng rng = Rng::stream(1, name);
      for (std::size_t i = 0; i < to.size(); ++i) to[i] = offset + scale * static_cast<float>(rng.normal(i));
    };
    draw(w, "w", 1.0f, 0.0f);
    for (std::vector<float>* p : {&mean, &factor, &shift}) p->resize(static_cast<std::size_t>(c.x.channels));
    draw(mean, "mean", 0.5f, 0.25f);
    draw(factor, "factor", 0.25f, 1.0f);
    draw(shift, "shift", 0.5f, 0.0f);
    if (with_extras) transform = {mean.data(), factor.data(), shift.data(), true};
    std::size_t i = 0;
    x.for_each([&](float value) {
      const std::size_t k = i++ % static_cast<std::size_t>(c.x.channels);
      const float result = with_extras ? std::fma(value - mean[k], factor[k], shift[k]) : value;
      v.push_back(with_extras ? std::max(result, 0.0f) : result);
      v_size.push_back(with_extras ? std::abs((value - mean[k]) * factor[k]) + std::abs(shift[k]) : std::abs(value));
    });
  }
  static std::vector<bool> wanted(const std::vector<int>& channels, int count) {
    std::vector<bool> result(static_cast<std::size_t>(count), channels.empty());
    for (const int c : channels) result[static_cast<std::size_t>(c)] = true;
    return result;
  }
  // Whether the weight between channel k of x and channel o of y is part of what is looked at.
  bool wants(int k, int o) const { return in[static_cast<std::size_t>(k)] || out[static_cast<std::size_t>(o)]; }
  bool all() const { return in == wanted({}, conv.in_channels) && out == wanted({}, conv.out_channels); }
};

struct Definition {
  Expected y, dx, dw;
};

// Of the sums, those are complete whose channel is looked at, and the gradients of the weights between such channels.
inline void mark_known(const Problem& q, const std::vector<std::pair<int, int>>& pairs, Definition& d) {
  const std::size_t in = q.in.size(), out = q.out.size(), in_group = in / static_cast<std::size_t>(q.conv.groups);
  for (std::size_t i = 0; i < d.y.known.size(); ++i) d.y.known[i] = q.out[i % out];
  for (std::size_t i = 0; i < d.dx.known.size(); ++i) d.dx.known[i] = q.in[i % in];
  for (std::size_t tap = 0; tap < d.dw.known.size() / (in_group * out); ++tap)
    for (const auto& [o, k] : pairs) d.dw.known[(tap * in_group + static_cast<std::size_t>(k)) * out + o] = true;
}

// One loop over the terms of the definition gives the three products: y += v w, dv += dy w, dw += dy v.
inline Definition define(Problem& q) {
  const Conv2d& c = q.conv;
  const Shape &xs = q.x.view().shape, &ys = q.y_shape;
  const bool all = q.all();
  Definition d{Expected(ys.size(), all), Expected(xs.size(), all), Expected(c.weight_shape().size(), all)};
  const int in = c.in_channels / c.groups, out = c.out_channels / c.groups;
  std::vector<std::pair<int, int>> pairs;  // (o, k) with k within its group
  for (int o = 0; o < c.out_channels; ++o)
    for (int k = 0; k < in; ++k)
      if (q.wants(o / out * in + k, o)) pairs.emplace_back(o, k);
  if (!all) mark_known(q, pairs, d);
  const auto pixel = [](const Shape& s, int n, int h, int v) {
    return (static_cast<std::size_t>(n) * s.height + h) * s.width + v;
  };
  for (int n = 0; n < ys.images; ++n)
    for (int h = 0; h < ys.height; ++h)
      for (int v = 0; v < ys.width; ++v)
        for (int i = 0; i < c.kernel; ++i)
          for (int j = 0; j < c.kernel; ++j) {
            const int xh = h * c.stride - c.padding + i, xv = v * c.stride - c.padding + j;
            if (xh < 0 || xh >= xs.height || xv < 0 || xv >= xs.width) continue;
            const std::size_t yp = pixel(ys, n, h, v), xp = pixel(xs, n, xh, xv);
            for (const auto& [o, k] : pairs) {
              const std::size_t xi = xp * xs.channels + o / out * in + k;
              const std::size_t wi = (static_cast<std::size_t>(i * c.kernel + j) * in + k) * c.out_channels + o;
              const double value = q.v[xi], size = q.v_size[xi], wv = q.w[wi], gv = q.dy.view().pixel(yp)[o];
              d.y.add(yp * ys.channels + o, value * wv, std::abs(size * wv));
              d.dx.add(xi, gv * wv, std::abs(gv * wv));
              d.dw.add(wi, gv * value, std::abs(gv * size));
            }
          }
  return d;
}

// Replaces the bounds by others.
template <class Bound>
void widen(Definition& d, Bound b) {
  const auto set = [](Expected& e, std::vector<double>& magnitude, double terms) {
    e.magnitude.swap(magnitude);
    e.terms.assign(e.magnitude.size(), terms);
  };
  set(d.y, b.y, b.terms_y);
  set(d.dx, b.dx, b.terms_dx);
  set(d.dw, b.dw, b.terms_dw);
}

// By those of Winograd if there is an algorithm, of Strassen otherwise.
inline void widen(Definition& d, Problem& q, const WinogradAlgorithm* m) {
  std::vector<double> w, dy;
  for (const float value : q.w) w.push_back(std::abs(value));
  q.dy.for_each([&](float value) { dy.push_back(std::abs(value)); });
  const Shape& x = q.x.view().shape;
  if (m == nullptr) return widen(d, StrassenBound(q.conv, x, q.v_size, w, dy));
  widen(d, WinogradBoundMaker(*m, q.conv, x, [&](int k, int o) { return q.wants(k, o); })(q.v_size, w, dy));
}

// Replaces the bounds by those of amx.h: each product is a sum of six (or three) in any order, and what is left out is at
// most 2^-23 (3 * 2^-16) of it.
inline void widen_parts(Definition& d) {
  const bool three = conv_precision() == ConvPrecision::bf16x3;
  for (Expected* e : {&d.y, &d.dx, &d.dw})
    for (double& terms : e->terms) terms = three ? 3 * terms + 3 * 0x1p-16 / kUnit : 6 * terms + 0x1p-23 / kUnit;
}

// `start` was there before. Three roundings more than terms: the transform without fused multiply-add, and the sum.
inline void expect_near(double actual, const Expected& e, std::size_t i, double start, const char* what) {
  if (!e.known[i]) return;
  const double tolerance = 1.01 * kUnit * (e.terms[i] + 3) * (e.magnitude[i] + std::abs(start));
  ASSERT_NEAR(actual, start + e.value[i], tolerance) << what << " element " << i;
}

// Moments against those of the result itself, summed in double.
inline void expect_moments(ConstView y, const std::vector<float>& moments) {
  const int pixels = y.shape.height * y.shape.width, channels = y.shape.channels;
  for (int n = 0; n < y.shape.images; ++n)
    for (int c = 0; c < channels; ++c) {
      const auto at = [&](int p) { return static_cast<double>(y.pixel(static_cast<std::size_t>(n * pixels + p))[c]); };
      double mean = 0, size = 0, squares = 0, spread = 0;
      for (int p = 0; p < pixels; ++p) mean += at(p) / pixels, size += std::abs(at(p)) / pixels;
      for (int p = 0; p < pixels; ++p) {
        squares += (at(p) - mean) * (at(p) - mean);
        spread += std::abs(at(p) - mean) * size;
      }
      const float* m = moments.data() + static_cast<std::size_t>(n) * 2 * channels;
      ASSERT_NEAR(m[c], mean, kUnit * (pixels + 4) * size) << "mean of image " << n << " channel " << c;
      ASSERT_NEAR(m[channels + c], squares, kUnit * (2 * (pixels + 8) * squares + 8 * spread) + 1e-12 * size * size)
          << "squared deviations of image " << n << " channel " << c;
    }
}

inline void expect_sums(Problem& q, ConstView dx, const std::vector<float>& sums) {
  const int pixels = dx.shape.height * dx.shape.width, channels = dx.shape.channels;
  for (int n = 0; n < dx.shape.images; ++n)
    for (int c = 0; c < channels; ++c) {
      double sum = 0, size = 0, product = 0, product_size = 0;
      for (int p = 0; p < pixels; ++p) {
        const std::size_t pixel = static_cast<std::size_t>(n * pixels + p);
        const double g = dx.pixel(pixel)[c], x = q.x.view().pixel(pixel)[c];
        const double mean = q.transform.mean != nullptr ? q.mean[static_cast<std::size_t>(c)] : 0.0f;
        sum += g, size += std::abs(g);
        product += g * (x - mean), product_size += std::abs(g * (x - mean));
      }
      const float* s = sums.data() + static_cast<std::size_t>(n) * 2 * channels;
      ASSERT_NEAR(s[c], sum, kUnit * (pixels + 2) * size) << "sum of image " << n << " channel " << c;
      ASSERT_NEAR(s[channels + c], product, kUnit * (pixels + 4) * product_size) << n << " channel " << c;
    }
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

inline void check_forward(const ConvCandidate& rung, Problem& q, const Definition& d, bool with_extras,
                          std::span<float> scratch) {
  Slice y(q.y_shape, 3, 1);
  y.for_each([](float& v) { v = kNan; });
  std::vector<float> moments(static_cast<std::size_t>(q.y_shape.images * 2 * q.y_shape.channels), kNan);
  ForwardEpilogue e;
  if (with_extras) e = {q.add.view(), moments.data()};
  rung.forward(q.conv, q.x.view(), q.transform, q.w.data(), y.view(), e, scratch);
  std::vector<float> start;
  q.add.for_each([&](float v) { start.push_back(with_extras ? v : 0.0f); });
  std::size_t i = 0;
  y.for_each([&](float v) {
    expect_near(v, d.y, i, start[i], "y");
    ++i;
  });
  y.expect_guards();
  if (with_extras) expect_moments(y.view(), moments);
}

// dx of BackwardEpilogue::scaled: start + factor * dv. Two roundings more, and the sums are those of dv.
inline void expect_scaled(Problem& q, const Definition& d, Slice& dx, double start, const std::vector<float>& sums) {
  Tensor dv(q.x.view().shape);
  std::size_t i = 0;
  dx.for_each([&](float v) {
    const std::size_t channels = static_cast<std::size_t>(dx.channels);
    const double factor = q.factor[i % channels], g = q.v[i] > 0 ? d.dx.value[i] : 0.0;
    const double tolerance =
        1.01 * kUnit * (d.dx.terms[i] + 5) * (std::abs(factor) * d.dx.magnitude[i] + std::abs(start));
    if (d.dx.known[i]) {
      ASSERT_NEAR(v, start + factor * g, q.v[i] > 0 ? tolerance : 0.0) << "scaled dx element " << i;
    }
    dv.view().pixel(i / channels)[i % channels] = static_cast<float>(g);
    ++i;
  });
  // The sums are of products with rounding errors of their own: each term is off by terms * unit of its magnitude.
  const Shape& s = dv.shape();
  for (int n = 0; n < s.images; ++n)
    for (int c = 0; c < s.channels; ++c) {
      if (!q.in[static_cast<std::size_t>(c)]) continue;
      double sum = 0, bound = 0;
      for (int p = 0; p < s.height * s.width; ++p) {
        const std::size_t k = static_cast<std::size_t>((n * s.height * s.width + p) * s.channels + c);
        if (!(q.v[k] > 0)) continue;
        sum += d.dx.value[k];
        bound += 1.01 * kUnit * (d.dx.terms[k] + s.height * s.width + 3) * d.dx.magnitude[k];
      }
      ASSERT_NEAR(sums[static_cast<std::size_t>(2 * n * s.channels + c)], sum, bound) << "sum of image " << n;
    }
}

// dv from backward_input, or with `dw` from the joint product, which adds to dw.
inline void check_backward_input(const ConvCandidate& rung, Problem& q, const Definition& d, bool with_extras,
                                 Write write, std::span<float> scratch, float* dw = nullptr, bool scaled = false) {
  const Shape& shape = q.x.view().shape;
  Slice dx(shape, 2, 3);
  const float start = write == Write::add ? 2.0f : 0.0f;
  dx.for_each([&](float& v) { v = write == Write::add ? start : kNan; });
  std::vector<float> sums(static_cast<std::size_t>(shape.images * 2 * shape.channels), kNan);
  BackwardEpilogue e;
  if (with_extras) e = {q.x.view(), q.transform, sums.data(), scaled};
  if (dw == nullptr)
    rung.backward_input(q.conv, q.dy.view(), q.w.data(), dx.view(), write, e, scratch);
  else
    rung.backward(q.conv, q.x.view(), q.transform, q.dy.view(), q.w.data(), dx.view(), write, e, dw, scratch);
  dx.expect_guards();
  if (scaled) return expect_scaled(q, d, dx, start, sums);
  std::size_t i = 0;
  dx.for_each([&](float v) {
    if (with_extras && !(q.v[i] > 0))
      ASSERT_EQ(v, 0.0f) << "masked element " << i;
    else
      expect_near(v, d.dx, i, start, "dx");
    ++i;
  });
  if (with_extras) expect_sums(q, dx.view(), sums);
}

// A test with the rung of the matrix unit, in one of its precisions; skipped where the unit is missing.
class MatrixUnit : public ::testing::TestWithParam<ConvPrecision> {
 protected:
  void SetUp() override {
    if (!has_matrix_unit()) GTEST_SKIP() << "this processor or system has no AMX for bfloat16";
    set_conv_precision(GetParam());
  }
  void TearDown() override { set_conv_precision(before_); }

 private:
  const ConvPrecision before_ = conv_precision();
};
inline const auto kMatrixUnitPrecisions = ::testing::Values(ConvPrecision::bf16x6, ConvPrecision::bf16x3);

inline void check(const ConvCandidate& rung, const Case& test, bool with_extras, const WinogradAlgorithm* winograd) {
  const auto fits = [&](ConvProduct p) { return rung.fits(test.conv, test.x, p); };
  const Shape y_shape = test.conv.output_shape(test.x);
  if (y_shape.height < 1 || y_shape.width < 1 || !fits(ConvProduct::forward)) return;
  SCOPED_TRACE(std::string(rung.name) + " " + describe(test) + (with_extras ? " with transform and epilogue" : ""));
  Problem q(test, with_extras);
  Definition d = define(q);
  if (winograd != nullptr || &rung == &conv_strassen) widen(d, q, winograd);
  if (&rung == &conv_amx) widen_parts(d);
  const auto scratch = [&](ConvProduct p) {
    Buffer buffer(rung.scratch(test.conv, test.x, p, thread_count()));
    std::fill(buffer.span().begin(), buffer.span().end(), kNan);
    return buffer;
  };
  check_forward(rung, q, d, with_extras, scratch(ConvProduct::forward).span());
  if (fits(ConvProduct::backward_input))
    for (const Write write : {Write::overwrite, Write::add})
      for (const bool scaled : {false, with_extras})
        check_backward_input(rung, q, d, with_extras, write, scratch(ConvProduct::backward_input).span(), nullptr,
                             scaled);
  std::vector<float> dw(q.w.size(), 0.5f);
  const Buffer buffer = scratch(ConvProduct::backward_weights);
  rung.backward_weights(q.conv, q.x.view(), q.transform, q.dy.view(), dw.data(), buffer.span());
  for (std::size_t i = 0; i < dw.size(); ++i) expect_near(dw[i], d.dw, i, 0.5, "dw");
  if (rung.backward == nullptr || !fits(ConvProduct::backward_input)) return;
  for (const Write write : {Write::overwrite, Write::add})
    for (const bool scaled : {false, with_extras}) {
      const Buffer both(rung.backward_scratch(test.conv, test.x, thread_count()));
      std::fill(both.span().begin(), both.span().end(), kNan);
      std::fill(dw.begin(), dw.end(), 0.5f);
      check_backward_input(rung, q, d, with_extras, write, both.span(), dw.data(), scaled);
      for (std::size_t i = 0; i < dw.size(); ++i) expect_near(dw[i], d.dw, i, 0.5, "dw of both");
    }
}

}  // namespace fanin::test
