// SPDX-License-Identifier: MIT
#include "apps/study/curvature.h"

#include "apps/study/symmetric_eigenvalues.h"
#include "core/rng.h"
#include "core/train/loss.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// H v at the weights that a network has; puts them back.
class HessianProduct {
 public:
  HessianProduct(Network& net, const KeptBatch& batch)
      : net_(net), batch_(batch), weights_(net.values().begin(), net.values().end()) {
    double squares = 0.0;
    for (const float w : weights_) squares += static_cast<double>(w) * static_cast<double>(w);
    step_ = 1e-3 * std::max(1.0, std::sqrt(squares));
  }
  ~HessianProduct() { std::copy(weights_.begin(), weights_.end(), net_.values().begin()); }
  HessianProduct(const HessianProduct&) = delete;
  HessianProduct& operator=(const HessianProduct&) = delete;

  std::size_t size() const { return weights_.size(); }

  Vector operator()(const Vector& v) {  // |v| = 1
    Vector result = gradient(v, step_);
    const Vector back = gradient(v, -step_);
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = (result[i] - back[i]) / (2.0 * step_);
    return result;
  }

 private:
  Vector gradient(const Vector& v, double step) {
    const std::span<float> values = net_.values();
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(static_cast<double>(weights_[i]) + step * v[i]);
    const ConstView logits = net_.forward(batch_.images.view(), Mode::train);
    Tensor dy(logits.shape);
    softmax_cross_entropy(logits, batch_.labels, 0.0f, dy.view());
    net_.backward(std::as_const(dy).view());
    return {net_.gradients().begin(), net_.gradients().end()};
  }

  Network& net_;
  const KeptBatch& batch_;
  const std::vector<float> weights_;
  double step_ = 0.0;
};

// T of Lanczos: diagonal alpha, beside it beta. The eigenvalues of its first m rows.
Vector tridiagonal_eigenvalues(const Vector& alpha, const Vector& beta, std::size_t m) {
  Vector t(m * m);
  for (std::size_t i = 0; i < m; ++i) {
    t[i * m + i] = alpha[i];
    if (i + 1 < m) t[i * m + i + 1] = t[(i + 1) * m + i] = beta[i];
  }
  return symmetric_eigenvalues(std::move(t), m);
}

// |H x - theta x| of the largest Ritz pair is beta_m times the last entry of its vector in T's terms, whose square is
// the product of (theta_1 - mu_i) / (theta_1 - theta_(i+1)), mu the eigenvalues of T without its last row: each factor
// is at most 1, since mu_i lies between theta_i and theta_(i+1) (Parlett 1998, theorem 7.9.2).
double ritz_residual(const Vector& theta, const Vector& mu, double beta) {
  double square = 1.0;
  for (std::size_t i = 0; i < mu.size(); ++i)
    if (theta[0] > theta[i + 1]) square *= std::clamp((theta[0] - mu[i]) / (theta[0] - theta[i + 1]), 0.0, 1.0);
  return beta * std::sqrt(square);
}

}  // namespace

std::optional<double> Curvature::stable_rate() const {
  if (!(largest > 0.0)) return std::nullopt;
  return 2.0 / largest;
}

Curvature largest_curvature(Network& net, const KeptBatch& batch, double tolerance, int most) {
  HessianProduct product(net, batch);
  net.set_random_state(1, 0);
  Vector v(product.size()), before(product.size()), alpha, beta, mu;
  const Rng rng = Rng::stream(1, "curvature");
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = rng.normal(i);
  const double length = std::sqrt(dot(v, v));
  for (double& x : v) x /= length;
  Curvature result;
  while (result.products < most) {
    Vector next = product(v);
    ++result.products;
    alpha.push_back(dot(v, next));
    for (std::size_t i = 0; i < v.size(); ++i)
      next[i] -= alpha.back() * v[i] + (beta.empty() ? 0.0 : beta.back() * before[i]);
    beta.push_back(std::sqrt(dot(next, next)));
    const Vector theta = tridiagonal_eigenvalues(alpha, beta, alpha.size());
    result.largest = theta[0];
    const double residual = ritz_residual(theta, mu, beta.back());
    result.residual = result.largest == 0.0 ? 0.0 : residual / std::fabs(result.largest);
    // Not on a small `theta` by chance: the first products say little. A beta of 0 means that nothing else is there.
    if (!(beta.back() > 0.0) || (result.products >= 5 && result.residual <= tolerance)) break;
    mu = theta;
    before = std::move(v);
    v = std::move(next);
    for (double& x : v) x /= beta.back();
  }
  return result;
}

}  // namespace fanin
