// SPDX-License-Identifier: MIT
#include "init/orthogonal.h"

#include "core/check.h"

#include <fmt/format.h>

#include <Eigen/QR>

#include <cmath>

namespace fanin {

namespace {

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

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
    const std::vector<double> q = orthogonal_matrix(rows(shape), columns(shape), draws);
    for (std::size_t i = 0; i < q.size(); ++i) weights[i] = static_cast<float>(gain_ * q[i]);
  }

  std::optional<Property> property(const WeightShape& shape, std::span<const float> weights) const override {
    std::vector<double> w(weights.begin(), weights.end());
    for (double& v : w) v /= gain_;
    return Property{rows(shape) < columns(shape) ? "rows orthonormal times gain" : "columns orthonormal times gain",
                    orthonormality(w, rows(shape), columns(shape)), kOrthonormalBound};
  }

 private:
  static int rows(const WeightShape& shape) { return shape.out_channels(); }
  static int columns(const WeightShape& shape) { return shape.taps() * shape.in_per_group; }
  const double gain_;
};

}  // namespace

std::vector<double> orthogonal_matrix(int rows, int columns, Draws& draws) {
  std::vector<float> numbers(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
  draws.normal(numbers, 0.0, 1.0);
  const Eigen::Map<const RowMatrix> gaussian(numbers.data(), rows, columns);
  const bool wide = rows < columns;
  const Eigen::MatrixXd a =
      wide ? Eigen::MatrixXd(gaussian.cast<double>().transpose()) : Eigen::MatrixXd(gaussian.cast<double>());
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(a);
  Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(a.rows(), a.cols());
  for (Eigen::Index c = 0; c < q.cols(); ++c)
    if (qr.matrixQR()(c, c) < 0.0) q.col(c) = -q.col(c);
  std::vector<double> result(numbers.size());
  Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> w(result.data(), rows, columns);
  if (wide)
    w = q.transpose();
  else
    w = q;
  return result;
}

double orthonormality(const std::vector<double>& matrix, int rows, int columns) {
  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> v(matrix.data(), rows,
                                                                                                   columns);
  const Eigen::MatrixXd products =
      rows < columns ? Eigen::MatrixXd(v * v.transpose()) : Eigen::MatrixXd(v.transpose() * v);
  return (products - Eigen::MatrixXd::Identity(products.rows(), products.cols())).cwiseAbs().maxCoeff();
}

InitializerPtr orthogonal(double gain) {
  FANIN_CHECK(gain > 0.0 && std::isfinite(gain), usage, "orthogonal with gain {}; it must be above 0", gain);
  return std::make_shared<Orthogonal>(gain);
}

}  // namespace fanin
