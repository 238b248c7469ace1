// SPDX-License-Identifier: MIT
#include "init/gradinit.h"

#include "core/check.h"
#include "init/scale_search.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

Batch part(const Batch& batch, int first, int count) {
  return {batch.images.images(first, count),
          batch.labels.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count))};
}

class GradInit : public ScaleSearch {
 public:
  GradInit(double eta, double gamma, int rounds)
      : ScaleSearch("no layer times or over e^0.05 makes the first step better", rounds), eta_(eta), gamma_(gamma) {}
  std::string describe() const override { return "scaled for the best first step"; }

 private:
  double objective(Network& net, WatchedPasses& passes, const Batch& sample) const override {
    const int count = sample.images.shape.images;
    FANIN_CHECK(count >= 4, usage, "scheme 'gradinit' needs a batch of at least 4 images, not {}", count);
    loss_and_gradients(net, passes, part(sample, 0, count / 2));
    const std::vector<float> w(net.values().begin(), net.values().end());
    double square = 0.0;
    for (const float g : net.gradients()) square += static_cast<double>(g) * static_cast<double>(g);
    const double length = std::sqrt(square);
    if (!(length > 0.0) || !std::isfinite(length)) return std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < w.size(); ++i)
      net.values()[i] =
          static_cast<float>(static_cast<double>(w[i]) - eta_ / length * static_cast<double>(net.gradients()[i]));
    const double loss = loss_and_gradients(net, passes, part(sample, count / 4, count / 2));
    std::ranges::copy(w, net.values().begin());
    return loss + 10.0 * std::max(0.0, std::log(length / gamma_));
  }

  const double eta_, gamma_;
};

}  // namespace

NetworkInitializerPtr gradinit(double eta, double gamma, int rounds) {
  FANIN_CHECK(eta > 0.0 && gamma > 0.0 && std::isfinite(eta) && std::isfinite(gamma), usage,
              "gradinit with eta {} and gamma {}; both must be above 0", eta, gamma);
  return std::make_shared<GradInit>(eta, gamma, rounds);
}

}  // namespace fanin
