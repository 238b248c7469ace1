// SPDX-License-Identifier: MIT
#include "init/lsuv.h"

#include "core/check.h"
#include "init/layer_pass.h"

#include <fmt/format.h>

#include <cmath>

namespace fanin {

namespace {

class Lsuv : public NetworkInitializer {
 public:
  Lsuv(double tolerance, int tries) : tolerance_(tolerance), tries_(tries) {}
  std::string describe() const override { return "outputs scaled to variance 1"; }
  bool needs_sample() const override { return true; }
  bool changes(Role role) const override { return role == Role::conv_weight || role == Role::linear_weight; }

  void apply(Network& net, const Batch& sample, std::uint64_t seed) const override {
    const std::vector<WeightLayer> layers = weight_layers(net);
    std::vector<double> variances;
    WatchedPasses passes(net, seed, recorder(layers, variances));
    std::vector<int> scaled(layers.size(), 0);
    for (std::size_t next = 0; next < layers.size();) {
      variances.clear();
      passes.forward(sample);
      while (next < layers.size() && settled(layers[next], variances[next], scaled[next])) ++next;
      if (next == layers.size()) break;
      FANIN_CHECK(variances[next] > 0.0 && std::isfinite(variances[next]), usage,
                  "{}: lsuv cannot scale an output of variance {} to 1; it needs a base that lets images through, and "
                  "more than one of them",
                  layers[next].node, variances[next]);
      scale(*layers[next].weight, 1.0 / std::sqrt(variances[next]));
      ++scaled[next];
    }
  }

  Property check(Network& net, const Batch& sample, std::uint64_t seed) const override {
    const std::vector<WeightLayer> layers = weight_layers(net);
    std::vector<double> variances;
    WatchedPasses(net, seed, recorder(layers, variances)).forward(sample);
    Property result{"the output of each convolution and linear layer has variance 1", 0.0, tolerance_};
    for (std::size_t i = 0; i < layers.size(); ++i)
      if (!all_zero(*layers[i].weight)) result.deviation = std::max(result.deviation, std::fabs(variances[i] - 1.0));
    return result;
  }

 private:
  bool settled(const WeightLayer& layer, double variance, int scaled) const {
    return std::fabs(variance - 1.0) <= tolerance_ || scaled >= tries_ || all_zero(*layer.weight);
  }

  static std::function<void(std::string_view, ConstView)> recorder(const std::vector<WeightLayer>& layers,
                                                                   std::vector<double>& variances) {
    return [&layers, &variances](std::string_view node, ConstView output) {
      if (variances.size() < layers.size() && node == layers[variances.size()].node)
        variances.push_back(output_moments(output).variance);
    };
  }

  const double tolerance_;
  const int tries_;
};

}  // namespace

NetworkInitializerPtr lsuv(double tolerance, int tries) {
  FANIN_CHECK(tolerance > 0.0 && tolerance < 1.0, usage, "lsuv with tolerance {}; give more than 0 and less than 1",
              tolerance);
  FANIN_CHECK(tries >= 1, usage, "lsuv with {} tries; give at least 1", tries);
  return std::make_shared<Lsuv>(tolerance, tries);
}

}  // namespace fanin
