// SPDX-License-Identifier: MIT
#include "init/metainit.h"

#include "init/scale_search.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

double squares(std::span<const float> v) {
  double sum = 0.0;
  for (const float x : v) sum += static_cast<double>(x) * static_cast<double>(x);
  return sum;
}

// GQ of the network as it is; its weights are put back bit for bit.
double gradient_quotient(Network& net, WatchedPasses& passes, const Batch& sample) {
  constexpr double kEpsilon = 1e-5, kShare = 1e-2;
  loss_and_gradients(net, passes, sample);
  const std::vector<float> w(net.values().begin(), net.values().end());
  const std::vector<float> g(net.gradients().begin(), net.gradients().end());
  const double h = kShare * std::sqrt(squares(w) / squares(g));
  if (!std::isfinite(h)) return std::numeric_limits<double>::infinity();
  std::vector<double> change(g.size(), 0.0);  // 2 h times H g
  for (const double sign : {1.0, -1.0}) {
    for (std::size_t i = 0; i < w.size(); ++i)
      net.values()[i] = static_cast<float>(static_cast<double>(w[i]) + sign * h * static_cast<double>(g[i]));
    loss_and_gradients(net, passes, sample);
    for (std::size_t i = 0; i < w.size(); ++i) change[i] += sign * static_cast<double>(net.gradients()[i]);
  }
  std::ranges::copy(w, net.values().begin());
  double sum = 0.0, count = 0.0;
  for (const Parameter* p : net.parameters()) {
    if (p->shape.rank < 2) continue;
    const std::size_t first = static_cast<std::size_t>(p->value.data() - net.values().data());
    for (std::size_t i = first; i < first + p->value.size(); ++i) {
      const double gradient = static_cast<double>(g[i]), bent = gradient - change[i] / (2.0 * h);
      sum += std::fabs(bent / (gradient + (gradient < 0.0 ? -kEpsilon : kEpsilon)) - 1.0);
      count += 1.0;
    }
  }
  return sum / count;
}

class MetaInit : public ScaleSearch {
 public:
  explicit MetaInit(int rounds) : ScaleSearch("no layer times or over e^0.05 lowers the gradient quotient", rounds) {}
  std::string describe() const override { return "scaled to the least gradient quotient"; }

 private:
  double objective(Network& net, WatchedPasses& passes, const Batch& sample) const override {
    return gradient_quotient(net, passes, sample);
  }
};

}  // namespace

NetworkInitializerPtr metainit(int rounds) { return std::make_shared<MetaInit>(rounds); }

}  // namespace fanin
