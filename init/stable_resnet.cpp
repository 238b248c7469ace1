// SPDX-License-Identifier: MIT
#include "init/stable_resnet.h"

#include "core/check.h"
#include "init/residual.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

class StableResnet : public NetworkInitializer {
 public:
  explicit StableResnet(std::shared_ptr<const Scheme> rules) : rules_(std::move(rules)) {}
  std::string describe() const override { return "times 1 / sqrt(number of branches) where it ends a branch"; }
  bool changes(Role role) const override { return role != Role::scalar_multiplier && role != Role::scalar_bias; }
  NetworkInitializerPtr bound_to(const std::shared_ptr<const Scheme>& rules) const override {
    return std::make_shared<StableResnet>(rules);
  }

  void apply(Network& net, const Batch&, std::uint64_t) const override {
    visit(net, [](Parameter& p, double factor) { scale(p, factor); });
  }

  // Against what the rules draw from philox streams. The product is rounded once.
  Property check(Network& net, const Batch&, std::uint64_t seed) const override {
    FANIN_CHECK(rules_ != nullptr, usage, "stable_resnet has no rules to compare with; make it with followed_by()");
    Property result{"what ends a branch is 1 / sqrt(L) of what the rules draw", 0.0, 0x1p-24};
    visit(net, [&](Parameter& p, double factor) {
      std::vector<float> drawn(p.shape.size()), file(p.shape.size());
      PhiloxDraws draws(Rng::stream(seed, "init/" + p.name));
      rules_->initializer(p).fill(p.shape, drawn, draws);
      to_file_order(p.shape, p.value, file);
      for (std::size_t k = 0; k < file.size(); ++k) {
        const double expected = factor * static_cast<double>(drawn[k]);
        const double off = std::fabs(static_cast<double>(file[k]) - expected);
        if (off > 0.0) result.deviation = std::max(result.deviation, off / std::max(std::fabs(expected), 1e-30));
      }
    });
    return result;
  }

 private:
  // Calls fn(parameter, factor) for each weight that ends a branch and for what is added to it.
  template <class Fn>
  static void visit(Network& net, Fn&& fn) {
    const std::vector<ResidualBranch> branches = required_branches(net, "stable_resnet");
    const std::vector<NodeSummary> rows = net.summary();
    const double factor = 1.0 / std::sqrt(static_cast<double>(branches.size()));
    for (const ResidualBranch& branch : branches) {
      const auto end = std::ranges::find(rows, branch.end, &NodeSummary::name);
      FANIN_CHECK(
          end != rows.end() && !end->weights.empty(), usage,
          "scheme 'stable_resnet' scales the weights that end a residual branch, and {} ends in '{}', which has "
          "none; use a network whose branches end in a convolution or a norm",
          branch.end, end == rows.end() ? "" : end->description);
      Parameter* const weight = branch.last_norm != nullptr ? branch.last_norm : branch.layers.back().weight;
      fn(*weight, factor);
      const std::string stem = weight->name.substr(0, weight->name.rfind('.'));
      if (Parameter* const bias = net.find_parameter(stem + ".bias"); bias != nullptr) fn(*bias, factor);
    }
  }
  const std::shared_ptr<const Scheme> rules_;
};

}  // namespace

NetworkInitializerPtr stable_resnet() { return std::make_shared<StableResnet>(nullptr); }

}  // namespace fanin
