// SPDX-License-Identifier: MIT
#include "apps/study/curvature.h"

#include "core/rng.h"
#include "core/train/loss.h"

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
    ++products;
    Vector result = gradient(v, step_);
    const Vector back = gradient(v, -step_);
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = (result[i] - back[i]) / (2.0 * step_);
    return result;
  }

  int products = 0;

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

// The eigenvalue of H - shift with the largest magnitude.
struct Eigen {
  double value = 0, residual = 0;  // of H - shift; |(H - shift) v - value v|
};
Eigen dominant(HessianProduct& product, double shift, double tolerance, int most) {
  Vector v(product.size());
  const Rng rng = Rng::stream(1, "curvature");
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = rng.normal(i);
  Eigen result;
  while (product.products < most) {
    const double length = std::sqrt(dot(v, v));
    if (!(length > 0.0)) return {};  // flat
    for (double& x : v) x /= length;
    Vector hv = product(v);
    for (std::size_t i = 0; i < v.size(); ++i) hv[i] -= shift * v[i];
    result.value = dot(v, hv);
    result.residual = std::sqrt(std::max(0.0, dot(hv, hv) - result.value * result.value));
    if (result.residual <= tolerance * std::fabs(result.value + shift)) break;
    v = std::move(hv);
  }
  return result;
}

}  // namespace

std::optional<double> Curvature::stable_rate() const {
  if (!(largest > 0.0)) return std::nullopt;
  return 2.0 / largest;
}

Curvature largest_curvature(Network& net, const KeptBatch& batch, double tolerance, int most) {
  HessianProduct product(net, batch);
  net.set_random_state(1, 0);
  Eigen found = dominant(product, 0.0, tolerance, most);
  double shift = 0.0;
  if (found.value < 0.0) {  // the most negative one wins: with it at 0 the largest wins
    shift = found.value;
    found = dominant(product, shift, tolerance, product.products + most);
  }
  Curvature result;
  result.largest = found.value + shift;
  result.products = product.products;
  if (result.largest != 0.0) result.residual = found.residual / std::fabs(result.largest);
  return result;
}

}  // namespace fanin
