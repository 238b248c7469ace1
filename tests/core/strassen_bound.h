// How far a product of Strassen's (Winograd's form) may be off. As in winograd_bound.h: all that is done is linear, so with
// n roundings along the longest path from an input to a result the error is at most n * 2^-24 times the same formulas over
// absolute values, every minus a plus (Higham 2002, section 3.1, applied term by term).
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv2d.h"

#include <Eigen/Core>

#include <vector>

namespace fanin::test {

// For 1x1 convolutions over blocks of 128 output pixels. Magnitudes are NHWC and HWIO without gaps.
class StrassenBound {
 public:
  std::vector<double> y, dx, dw;  // the formulas over absolute values
  // Roundings along the longest path. s4 and t4 take three each. y and dx: four products follow each other in one sum of
  // 4 * depth / 2 terms, and m5 is added to it. dw: 64 pixels of a block, the blocks, eight chunks, three sums of products
  // and what was there.
  double terms_y, terms_dx, terms_dw;

  StrassenBound(const Conv2d& c, const Shape& x, const std::vector<double>& v, const std::vector<double>& w,
                const std::vector<double>& dy)
      : y(c.output_shape(x).size()), dx(x.size()), dw(w.size()), c_(c), x_(x), y_(c.output_shape(x)) {
    const int blocks = static_cast<int>(y_.pixels()) / kBlock;
    constexpr int kFactors = 3 + 3;
    terms_y = 2 * c.in_channels + kFactors + 1;
    terms_dx = 2 * c.out_channels + kFactors + 1;
    terms_dw = 64 + blocks + 8 + kFactors + 3 + 1;
    Matrix weights(c.in_channels, c.out_channels), gradient = Matrix::Zero(c.in_channels, c.out_channels);
    for (Eigen::Index i = 0; i < weights.size(); ++i)
      weights(i / c.out_channels, i % c.out_channels) = w[static_cast<std::size_t>(i)];
    // The block's last pixels and channels are the kernel's first rows and columns of a left factor.
    const auto turned = [](const Matrix& m) -> Matrix { return m.reverse(); };
    const auto rows_turned = [](const Matrix& m) -> Matrix { return m.colwise().reverse(); };
    for (int block = 0; block < blocks; ++block) {
      Matrix inputs(kBlock, c.in_channels), gradients(kBlock, c.out_channels);
      for_elements(inputs, block, true, [&](double& e, std::size_t i) { e = v[i]; });
      for_elements(gradients, block, false, [&](double& e, std::size_t i) { e = dy[i]; });
      Matrix out = rows_turned(multiply(turned(inputs), rows_turned(weights)));
      Matrix in = rows_turned(multiply(turned(gradients), rows_turned(weights.transpose())));
      for_elements(out, block, false, [&](double& e, std::size_t i) { y[i] = e; });
      for_elements(in, block, true, [&](double& e, std::size_t i) { dx[i] = e; });
      gradient += multiply(inputs.transpose(), gradients);
    }
    for (Eigen::Index i = 0; i < gradient.size(); ++i)
      dw[static_cast<std::size_t>(i)] = gradient(i / c.out_channels, i % c.out_channels);
  }

 private:
  using Matrix = Eigen::MatrixXd;
  static constexpr int kBlock = 128;

  static Matrix multiply(const Matrix& a, const Matrix& b) {
    const auto quarter = [](const Matrix& m, int i, int j) -> Matrix {
      return m.block(i * m.rows() / 2, j * m.cols() / 2, m.rows() / 2, m.cols() / 2);
    };
    const Matrix a11 = quarter(a, 0, 0), a12 = quarter(a, 0, 1), a21 = quarter(a, 1, 0), a22 = quarter(a, 1, 1);
    const Matrix b11 = quarter(b, 0, 0), b12 = quarter(b, 0, 1), b21 = quarter(b, 1, 0), b22 = quarter(b, 1, 1);
    const Matrix s1 = a21 + a22, s2 = s1 + a11, s3 = a11 + a21, s4 = a12 + s2;
    const Matrix t1 = b12 + b11, t2 = b22 + t1, t3 = b22 + b12, t4 = t2 + b21;
    const Matrix m1 = a11 * b11, m5 = s1 * t1, u2 = m1 + s2 * t2, u3 = u2 + s3 * t3;
    Matrix c(a.rows(), b.cols());
    c << m1 + a12 * b21, u2 + m5 + s4 * b22, u3 + a22 * t4, u3 + m5;
    return c;
  }

  // fn(element, index of its number) for the pixels of a block: of x, or of y.
  template <class Fn>
  void for_elements(Matrix& m, int block, bool of_x, Fn&& fn) const {
    for (int p = 0; p < kBlock; ++p) {
      const int pixel = block * kBlock + p, image = pixel / (y_.height * y_.width);
      const int row = pixel / y_.width % y_.height, column = pixel % y_.width;
      const std::size_t in_x = static_cast<std::size_t>((image * x_.height + row * c_.stride) * x_.width) +
                               static_cast<std::size_t>(column * c_.stride);
      const std::size_t first = (of_x ? in_x : static_cast<std::size_t>(pixel)) * static_cast<std::size_t>(m.cols());
      for (Eigen::Index k = 0; k < m.cols(); ++k) fn(m(p, k), first + static_cast<std::size_t>(k));
    }
  }

  Conv2d c_;
  Shape x_, y_;
};

}  // namespace fanin::test
