// SPDX-License-Identifier: MIT
#include "init/orthogonal.h"

#include "core/check.h"

#include <fmt/format.h>

#include <Eigen/QR>

#include <cmath>

namespace fanin {

namespace {

class Orthogonal : public Initializer {
 public:
  explicit Orthogonal(double gain) : gain_(gain) {}
  std::string describe() const override {
    return gain_ == 1.0 ? "orthogonal" : fmt::format("orthogonal, gain {}", gain_);
  }

  // Each of the fewer, orthonormal vectors has length gain and max(rows, columns) elements of equal mean square.
  bool centred(const WeightShape&) const override { return true; }
  std::optional<double> variance(const WeightShape& shape) const override {
    return gain_ * gain_ / static_cast<double>(std::max(rows(shape), columns(shape)));
  }

  void fill(const WeightShape& shape, std::span<float> weights, Draws& draws) const override {
    FANIN_CHECK(shape.rank >= 2, shape,
                "orthogonal needs a weight of at least 2 dimensions, not {}; use constant, normal or uniform",
                to_string(shape));
    const Eigen::Index m = rows(shape), n = columns(shape);
    draws.normal(weights, 0.0, 1.0);
    const Eigen::Map<const RowMatrix> gaussian(weights.data(), m, n);
    const bool wide = m < n;
    const Eigen::MatrixXd a =
        wide ? Eigen::MatrixXd(gaussian.cast<double>().transpose()) : Eigen::MatrixXd(gaussian.cast<double>());
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(a);
    Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(a.rows(), a.cols());
    for (Eigen::Index c = 0; c < q.cols(); ++c)
      if (qr.matrixQR()(c, c) < 0.0) q.col(c) = -q.col(c);
    Eigen::Map<RowMatrix> w(weights.data(), m, n);
    if (wide)
      w = (gain_ * q.transpose()).cast<float>();
    else
      w = (gain_ * q).cast<float>();
  }

  // Entries are rounded to float once, so each is off by at most 2^-25 of its size; a product of two vectors of length
  // gain by 2 * 2^-24 gain^2 (Cauchy-Schwarz), with room for the double arithmetic.
  std::optional<Property> property(const WeightShape& shape, std::span<const float> weights) const override {
    const Eigen::Map<const RowMatrix> w(weights.data(), rows(shape), columns(shape));
    const Eigen::MatrixXd v = w.cast<double>();
    const bool wide = v.rows() < v.cols();
    const Eigen::MatrixXd products = wide ? Eigen::MatrixXd(v * v.transpose()) : Eigen::MatrixXd(v.transpose() * v);
    const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(products.rows(), products.cols());
    return Property{wide ? "rows orthonormal times gain" : "columns orthonormal times gain",
                    (products / (gain_ * gain_) - identity).cwiseAbs().maxCoeff(), 0x1p-22};
  }

 private:
  using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  static Eigen::Index rows(const WeightShape& shape) { return shape.out_channels(); }
  static Eigen::Index columns(const WeightShape& shape) {
    return static_cast<Eigen::Index>(shape.taps()) * shape.in_per_group;
  }
  const double gain_;
};

}  // namespace

InitializerPtr orthogonal(double gain) {
  FANIN_CHECK(gain > 0.0 && std::isfinite(gain), usage, "orthogonal with gain {}; it must be above 0", gain);
  return std::make_shared<Orthogonal>(gain);
}

}  // namespace fanin
