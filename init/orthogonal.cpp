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
  std::optional<double> variance(const WeightShape& shape) const override {
    return gain_ * gain_ / static_cast<double>(std::max(rows(shape), columns(shape)));
  }

  void fill(const WeightShape& shape, std::span<float> weights, const Rng& rng) const override {
    FANIN_CHECK(shape.rank >= 2, shape,
                "orthogonal needs a weight of at least 2 dimensions, not {}; use constant, normal or uniform",
                to_string(shape));
    const Eigen::Index m = rows(shape), n = columns(shape);
    const bool wide = m < n;
    Eigen::MatrixXd a(wide ? n : m, wide ? m : n);  // tall
    for (Eigen::Index r = 0; r < m; ++r)
      for (Eigen::Index c = 0; c < n; ++c)
        (wide ? a(c, r) : a(r, c)) = rng.normal(static_cast<std::uint64_t>(r * n + c));
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(a);
    Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(a.rows(), a.cols());
    for (Eigen::Index c = 0; c < q.cols(); ++c)
      if (qr.matrixQR()(c, c) < 0.0) q.col(c) = -q.col(c);
    for_each_element(shape, [&](std::size_t hwio, std::size_t oihw) {
      const Eigen::Index r = static_cast<Eigen::Index>(oihw) / n, c = static_cast<Eigen::Index>(oihw) % n;
      weights[hwio] = static_cast<float>(gain_ * (wide ? q(c, r) : q(r, c)));
    });
  }

 private:
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
