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

struct WinogradMatrices {
  int out, patch;
  std::vector<double> bt, g, at;  // patch x patch, patch x 3, out x patch; absolute values
};

inline WinogradMatrices winograd2() {
  return {2,
          4,
          {1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1},
          {1, 0, 0, .5, .5, .5, .5, .5, .5, 0, 0, 1},
          {1, 1, 1, 0, 0, 1, 1, 1}};
}
inline WinogradMatrices winograd4() {
  const double s = 1.0 / 6, t = 1.0 / 12, f = 1.0 / 24;
  return {4,
          6,
          {4, 0, 5, 0, 1, 0, 0, 4, 4, 1, 1, 0, 0, 4, 4, 1, 1, 0, 0, 2, 1, 2, 1, 0, 0, 2, 1, 2, 1, 0, 0, 4, 0, 5, 0, 1},
          {.25, 0, 0, s, s, s, s, s, s, f, t, s, f, t, s, 0, 0, 1},
          {1, 1, 1, 1, 1, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 4, 4, 0, 0, 1, 1, 8, 8, 1}};
}

// m (rows x inner) * s (inner x inner) * m^T for a small square s.
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
  WinogradBoundMaker(const WinogradMatrices& m, const Conv2d& c, const Shape& x, std::function<bool(int, int)> wanted)
      : m_(m), c_(c), x_(x), wanted_(std::move(wanted)) {}

  WinogradBound operator()(const std::vector<double>& v, const std::vector<double>& w, const std::vector<double>& dy) {
    const int in = c_.in_channels / c_.groups, out = c_.out_channels / c_.groups;
    WinogradBound b;
    b.y.resize(x_.pixels() * c_.out_channels);
    b.dx.resize(x_.pixels() * c_.in_channels);
    b.dw.resize(w.size());
    b.terms_y = in + 36;
    b.terms_dx = out + 36;
    b.terms_dw = static_cast<double>(x_.images * tiles(x_.height) * tiles(x_.width)) + 36;
    for (int g = 0; g < c_.groups; ++g)
      for (int k = g * in; k < (g + 1) * in; ++k)
        for (int o = g * out; o < (g + 1) * out; ++o)
          if (wanted_(k, o)) add_pair(v, w, dy, k, k - g * in, o, b);
    return b;
  }

 private:
  int tiles(int pixels) const { return (pixels + m_.out - 1) / m_.out; }

  std::vector<double> patch(const std::vector<double>& image, int channels, int n, int h, int w, int size, int ch) {
    std::vector<double> p(static_cast<std::size_t>(size * size));
    for (int i = 0; i < size; ++i)
      for (int j = 0; j < size; ++j)
        if (h + i >= 0 && h + i < x_.height && w + j >= 0 && w + j < x_.width)
          p[i * size + j] =
              image[((static_cast<std::size_t>(n) * x_.height + h + i) * x_.width + w + j) * channels + ch];
    return p;
  }

  void add_tile(std::vector<double>& image, int channels, int n, int h, int w, int ch, const std::vector<double>& u,
                const std::vector<double>& d) {
    std::vector<double> product(u.size());
    for (std::size_t i = 0; i < u.size(); ++i) product[i] = u[i] * d[i];
    const std::vector<double> y = sandwich(m_.at, m_.out, m_.patch, product);
    for (int i = 0; i < m_.out && h + i < x_.height; ++i)
      for (int j = 0; j < m_.out && w + j < x_.width; ++j)
        image[((static_cast<std::size_t>(n) * x_.height + h + i) * x_.width + w + j) * channels + ch] +=
            y[i * m_.out + j];
  }

  void add_pair(const std::vector<double>& v, const std::vector<double>& w, const std::vector<double>& dy, int k,
                int k_in_group, int o, WinogradBound& b) {
    const std::size_t tap = static_cast<std::size_t>(c_.in_channels / c_.groups) * c_.out_channels;
    const std::size_t first = static_cast<std::size_t>(k_in_group) * c_.out_channels + o;
    std::vector<double> g(9), turned(9), du(static_cast<std::size_t>(m_.patch * m_.patch));
    for (int i = 0; i < 9; ++i) g[i] = turned[8 - i] = w[first + i * tap];
    const std::vector<double> u = sandwich(m_.g, m_.patch, 3, g), u_turned = sandwich(m_.g, m_.patch, 3, turned);
    const std::vector<double> a = transposed(m_.at, m_.out, m_.patch);
    for (int n = 0; n < x_.images; ++n)
      for (int h = 0; h < x_.height; h += m_.out)
        for (int l = 0; l < x_.width; l += m_.out) {
          const auto d = sandwich(m_.bt, m_.patch, m_.patch, patch(v, c_.in_channels, n, h - 1, l - 1, m_.patch, k));
          const auto e = sandwich(m_.bt, m_.patch, m_.patch, patch(dy, c_.out_channels, n, h - 1, l - 1, m_.patch, o));
          add_tile(b.y, c_.out_channels, n, h, l, o, u, d);
          add_tile(b.dx, c_.in_channels, n, h, l, k, u_turned, e);
          const auto z = sandwich(a, m_.patch, m_.out, patch(dy, c_.out_channels, n, h, l, m_.out, o));
          for (std::size_t i = 0; i < du.size(); ++i) du[i] += d[i] * z[i];
        }
    const auto dw = sandwich(transposed(m_.g, m_.patch, 3), 3, m_.patch, du);
    for (int i = 0; i < 9; ++i) b.dw[first + i * tap] = dw[i];
  }

  WinogradMatrices m_;
  Conv2d c_;
  Shape x_;
  std::function<bool(int, int)> wanted_;
};

}  // namespace fanin::test
