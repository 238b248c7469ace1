// SPDX-License-Identifier: MIT
#include "init/covariance_by_depth.h"

#include "core/check.h"
#include "init/layer_pass.h"

#include <cmath>

namespace fanin {

namespace {

bool is_depthwise(const WeightShape& shape) { return shape.groups > 1 && shape.in_per_group == 1 && shape.taps() > 1; }

class CovarianceByDepth : public NetworkInitializer {
 public:
  explicit CovarianceByDepth(const CovarianceOptions& options) : options_(options) {}
  std::string describe() const override { return "smooth filters where it is depthwise, wider with depth"; }
  bool changes(Role role) const override { return role == Role::conv_weight; }

  void apply(Network& net, const Batch&, std::uint64_t seed) const override {
    visit(net, seed, [](Parameter& p, std::span<const float> file) { from_file_order(p.shape, file, p.value); });
  }

  Property check(Network& net, const Batch&, std::uint64_t seed) const override {
    Property result{"depthwise convolution i of L holds the draws of covariance at depth i / (L - 1)", 0.0, 0.0};
    visit(net, seed, [&](Parameter& p, std::span<const float> expected) {
      std::vector<float> file(expected.size());
      to_file_order(p.shape, p.value, file);
      for (std::size_t k = 0; k < file.size(); ++k)
        result.deviation =
            std::max(result.deviation, std::fabs(static_cast<double>(file[k]) - static_cast<double>(expected[k])));
    });
    return result;
  }

 private:
  // Calls fn with each depthwise weight and what it should hold, in file order.
  template <class Fn>
  void visit(Network& net, std::uint64_t seed, Fn&& fn) const {
    std::vector<Parameter*> depthwise;
    for (const WeightLayer& layer : weight_layers(net))
      if (is_depthwise(layer.weight->shape)) depthwise.push_back(layer.weight);
    FANIN_CHECK(!depthwise.empty(), usage,
                "scheme 'covariance_by_depth' is for depthwise convolutions, and this network has none; use "
                "convmixer-*");
    for (std::size_t i = 0; i < depthwise.size(); ++i) {
      CovarianceOptions options = options_;
      options.depth = depthwise.size() == 1 ? 0.0 : static_cast<double>(i) / static_cast<double>(depthwise.size() - 1);
      std::vector<float> file(depthwise[i]->shape.size());
      PhiloxDraws draws(Rng::stream(seed, "init-network/covariance_by_depth/" + depthwise[i]->name));
      covariance(options)->fill(depthwise[i]->shape, file, draws);
      fn(*depthwise[i], file);
    }
  }
  const CovarianceOptions options_;
};

}  // namespace

NetworkInitializerPtr covariance_by_depth(const CovarianceOptions& options) {
  CovarianceOptions checked = options;
  checked.depth = 0.0;
  covariance(checked);  // throws for what it cannot take
  return std::make_shared<CovarianceByDepth>(checked);
}

}  // namespace fanin
