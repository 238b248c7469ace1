// SPDX-License-Identifier: MIT
#include "init/fixup.h"

#include "core/check.h"
#include "init/residual.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

class Fixup : public NetworkInitializer {
 public:
  std::string describe() const override { return "0 at the end, L^(-1 / (2 m - 2)) within branches"; }
  bool needs_sample() const override { return true; }  // for check()
  bool changes(Role role) const override {
    return role != Role::conv_bias && role != Role::norm_scale && role != Role::norm_shift;
  }

  void apply(Network& net, const Batch&, std::uint64_t) const override {
    const std::vector<ResidualBranch> branches = required_branches(net, "fixup");
    for (const ResidualBranch& branch : branches) {
      FANIN_CHECK(branch.multiplier != nullptr && has_biases(net), usage,
                  "scheme 'fixup' needs scalars in its residual branches; use a network such as "
                  "resnet-20:residual=fixup,norm=none");
      const std::size_t m = branch.layers.size();
      FANIN_CHECK(m >= 2, usage, "scheme 'fixup' needs at least two layers in a branch, and {} has one", branch.sum);
      const double factor = std::pow(static_cast<double>(branches.size()), -1.0 / (2.0 * static_cast<double>(m) - 2.0));
      for (std::size_t i = 0; i + 1 < m; ++i) scale(*branch.layers[i].weight, factor);
      std::ranges::fill(branch.layers.back().weight->value, 0.0f);
    }
    const WeightLayer classifier = weight_layers(net).back();
    std::ranges::fill(classifier.weight->value, 0.0f);
    if (classifier.bias != nullptr) std::ranges::fill(classifier.bias->value, 0.0f);
    for (Parameter* p : net.parameters()) {
      if (p->role == Role::scalar_bias) p->value[0] = 0.0f;
      if (p->role == Role::scalar_multiplier) p->value[0] = 1.0f;
    }
  }

  Property check(Network& net, const Batch& sample, std::uint64_t seed) const override {
    double largest = largest_addition(net, required_branches(net, "fixup"), sample, seed);
    WatchedPasses passes(net, seed);
    const ConstView logits = passes.forward(sample);
    for (std::size_t p = 0; p < logits.shape.pixels(); ++p)
      for (int c = 0; c < logits.shape.channels; ++c)
        largest = std::max(largest, std::fabs(static_cast<double>(logits.pixel(p)[c])));
    return {"branches add exactly 0 and logits are exactly 0, so that the loss is ln K", largest, 0.0};
  }

 private:
  static bool has_biases(const Network& net) {
    return std::ranges::any_of(net.parameters(), [](const Parameter* p) { return p->role == Role::scalar_bias; });
  }
};

}  // namespace

NetworkInitializerPtr fixup() { return std::make_shared<Fixup>(); }

}  // namespace fanin
