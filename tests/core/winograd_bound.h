// How far a Winograd product may be off. Each result is a chain of three sums: transforms of the patch and of the
// weights, products summed over channels (or tiles), and the transform back. All are linear, so with n roundings along
// the longest path from an input to a result the error is at most n * 2^-24 times the same chain over absolute values:
//   |A^T| [ sum (|G| |g| |G^T|) * (|B^T| |d| |B|) ] |A|        (Higham 2002, section 3.1, applied term by term)
// Each one-dimensional transform adds at most 6 roundings and each result sees 6 of them: n = terms of the sum + 36.
// These are worst cases: F(4x4) is about 5 times as far off as a plain sum, its bound about 200 times as large.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv2d.h"

#include <cmath>
#include <functional>
#include <utility>
#include <vector>

namespace fanin::test {

// Of one algorithm: `side` products for `out` outputs from `in` inputs; tiles are `step` inputs apart, the first input lies
// `before` pixels before the first output's. Absolute values.
struct WinogradMatrices {
  int out, in, side, step, before;
  std::vector<double> bt, g, at;  // side x in, side x 3, out x side
};
// The algorithms of y and of dx.
struct WinogradAlgorithm {
  WinogradMatrices y, dx;
};

inline WinogradAlgorithm winograd2() {
  const WinogradMatrices m{.out = 2,
                           .in = 4,
                           .side = 4,
                           .step = 2,
                           .before = 1,
                           .bt = {1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1},
                           .g = {1, 0, 0, .5, .5, .5, .5, .5, .5, 0, 0, 1},
                           .at = {1, 1, 1, 0, 0, 1, 1, 1}};
  return {m, m};
}
inline WinogradAlgorithm winograd4() {
  const double s = 1.0 / 6, t = 1.0 / 12, f = 1.0 / 24;
  const WinogradMatrices m{.out = 4,
                           .in = 6,
                           .side = 6,
                           .step = 4,
                           .before = 1,
                           .bt = {4, 0, 5, 0, 1, 0, 0, 4, 4, 1, 1, 0, 0, 4, 4, 1, 1, 0,
                                  0, 2, 1, 2, 1, 0, 0, 2, 1, 2, 1, 0, 0, 4, 0, 5, 0, 1},
                           .g = {.25, 0, 0, s, s, s, s, s, s, f, t, s, f, t, s, 0, 0, 1},
                           .at = {1, 1, 1, 1, 1, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 4, 4, 0, 0, 1, 1, 8, 8, 1}};
  return {m, m};
}
inline WinogradAlgorithm strided2() {
  const std::vector<double> g = {1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0};
  return {.y = {.out = 2,
                .in = 5,
                .side = 5,
                .step = 4,
                .before = 1,
                .bt = {1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0},
                .g = g,
                .at = {1, 1, 0, 1, 0, 0, 1, 1, 0, 1}},
          .dx = {.out = 4,
                 .in = 3,
                 .side = 5,
                 .step = 2,
                 .before = 0,
                 .bt = {1, 1, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0},
                 .g = g,
                 .at = {0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0}}};
}

// m (rows x inner) * s (inner x inner) * m^T.
inline std::vector<double> sandwich(const std::vector<double>& m, int rows, int inner, const std::vector<double>& s) {
  std::vector<double> half(static_cast<std::size_t>(rows * inner)), result(static_cast<std::size_t>(rows * rows));
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < inner; ++j)
      for (int k = 0; k < inner; ++k) half[i * inner + j] += m[i * inner + k] * s[k * inner + j];
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < rows; ++j)
      for (int k = 0; k < inner; ++k) result[i * rows + j] += half[i * inner + k] * m[j * inner + k];
  return result;
}

inline std::vector<double> transposed(const std::vector<double>& m, int rows, int columns) {
  std::vector<double> result(m.size());
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) result[j * rows + i] = m[i * columns + j];
  return result;
}

struct WinogradBound {
  std::vector<double> y, dx, dw;  // the chains over absolute values
  double terms_y = 0, terms_dx = 0, terms_dw = 0;
};

// Magnitudes are NHWC and HWIO without gaps.
class WinogradBoundMaker {
 public:
  // wanted(channel of x, channel of y): pairs that are left out contribute nothing.
  WinogradBoundMaker(const WinogradAlgorithm& m, const Conv2d& c, const Shape& x, std::function<bool(int, int)> wanted)
      : m_(m), c_(c), x_(x), y_(c.output_shape(x)), wanted_(std::move(wanted)) {}

  WinogradBound operator()(const std::vector<double>& v, const std::vector<double>& w, const std::vector<double>& dy) {
    const int in = c_.in_channels / c_.groups, out = c_.out_channels / c_.groups;
    WinogradBound b;
    b.y.resize(y_.size());
    b.dx.resize(x_.size());
    b.dw.resize(w.size());
    b.terms_y = in + 36;
    b.terms_dx = out + 36;
    b.terms_dw = static_cast<double>(x_.images * tiles(y_.height) * tiles(y_.width)) + 36;
    for (int g = 0; g < c_.groups; ++g)
      for (int k = g * in; k < (g + 1) * in; ++k)
        for (int o = g * out; o < (g + 1) * out; ++o)
          if (wanted_(k, o)) add_pair(v, w, dy, k, k - g * in, o, b);
    return b;
  }

 private:
  int tiles(int pixels) const { return (pixels + m_.y.out - 1) / m_.y.out; }

  static std::size_t at(const Shape& s, int n, int h, int w, int channel) {
    return ((static_cast<std::size_t>(n) * s.height + h) * s.width + w) * s.channels + channel;
  }

  // size x size pixels of one channel from (h, w) on, 0 beyond the border.
  static std::vector<double> patch(const std::vector<double>& image, const Shape& s, int n, int h, int w, int size,
                                   int channel) {
    std::vector<double> p(static_cast<std::size_t>(size * size));
    for (int i = 0; i < size; ++i)
      for (int j = 0; j < size; ++j)
        if (h + i >= 0 && h + i < s.height && w + j >= 0 && w + j < s.width)
          p[i * size + j] = image[at(s, n, h + i, w + j, channel)];
    return p;
  }
  // The transformed inputs of the tile whose first output is (h, w).
  static std::vector<double> inputs(const WinogradMatrices& m, const std::vector<double>& image, const Shape& s, int n,
                                    int h, int w, int channel) {
    const int first_h = h / m.out * m.step - m.before, first_w = w / m.out * m.step - m.before;
    return sandwich(m.bt, m.side, m.in, patch(image, s, n, first_h, first_w, m.in, channel));
  }
  static void add_tile(const WinogradMatrices& m, std::vector<double>& image, const Shape& s, int n, int h, int w,
                       int channel, const std::vector<double>& u, const std::vector<double>& d) {
    std::vector<double> product(u.size());
    for (std::size_t i = 0; i < u.size(); ++i) product[i] = u[i] * d[i];
    const std::vector<double> y = sandwich(m.at, m.out, m.side, product);
    for (int i = 0; i < m.out && h + i < s.height; ++i)
      for (int j = 0; j < m.out && w + j < s.width; ++j) image[at(s, n, h + i, w + j, channel)] += y[i * m.out + j];
  }

  void add_pair(const std::vector<double>& v, const std::vector<double>& w, const std::vector<double>& dy, int k,
                int k_in_group, int o, WinogradBound& b) {
    const std::size_t tap = static_cast<std::size_t>(c_.in_channels / c_.groups) * c_.out_channels;
    const std::size_t first = static_cast<std::size_t>(k_in_group) * c_.out_channels + o;
    std::vector<double> g(9), turned(9), du(static_cast<std::size_t>(m_.y.side * m_.y.side));
    for (int i = 0; i < 9; ++i) g[i] = turned[8 - i] = w[first + i * tap];
    const std::vector<double> u = sandwich(m_.y.g, m_.y.side, 3, g);
    const std::vector<double> u_turned = sandwich(m_.dx.g, m_.dx.side, 3, turned);
    const std::vector<double> a = transposed(m_.y.at, m_.y.out, m_.y.side);
    for (int n = 0; n < x_.images; ++n) {
      for (int h = 0; h < y_.height; h += m_.y.out)
        for (int l = 0; l < y_.width; l += m_.y.out) {
          const auto d = inputs(m_.y, v, x_, n, h, l, k);
          add_tile(m_.y, b.y, y_, n, h, l, o, u, d);
          const auto z = sandwich(a, m_.y.side, m_.y.out, patch(dy, y_, n, h, l, m_.y.out, o));
          for (std::size_t i = 0; i < du.size(); ++i) du[i] += d[i] * z[i];
        }
      for (int h = 0; h < x_.height; h += m_.dx.out)
        for (int l = 0; l < x_.width; l += m_.dx.out)
          add_tile(m_.dx, b.dx, x_, n, h, l, k, u_turned, inputs(m_.dx, dy, y_, n, h, l, o));
    }
    const auto dw = sandwich(transposed(m_.y.g, m_.y.side, 3), 3, m_.y.side, du);
    for (int i = 0; i < 9; ++i) b.dw[first + i * tap] = dw[i];
  }

  WinogradAlgorithm m_;
  Conv2d c_;
  Shape x_, y_;
  std::function<bool(int, int)> wanted_;
};

}  // namespace fanin::test
