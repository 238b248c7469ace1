// SPDX-License-Identifier: MIT
#include "init/zero_last.h"

#include "core/check.h"
#include "init/residual.h"

#include <algorithm>

namespace fanin {

namespace {

class ZeroLast : public NetworkInitializer {
 public:
  explicit ZeroLast(bool gamma) : gamma_(gamma) {}
  std::string describe() const override {
    return gamma_ ? "0 where it ends a branch" : "0 where it is the last of a branch";
  }
  bool needs_sample() const override { return true; }  // for check()
  bool changes(Role role) const override { return role == (gamma_ ? Role::norm_scale : Role::conv_weight); }

  void apply(Network& net, const Batch&, std::uint64_t) const override {
    for (const ResidualBranch& branch : required_branches(net, name())) {
      Parameter* last = gamma_ ? branch.last_norm : branch.layers.back().weight;
      FANIN_CHECK(
          last != nullptr, usage,
          "scheme 'zero_gamma' needs a norm at the end of each residual branch, and {} has none; use resnet-* or "
          "resnext-* with norm, or scheme zero_last",
          branch.sum);
      std::ranges::fill(last->value, 0.0f);
    }
  }

  Property check(Network& net, const Batch& sample, std::uint64_t seed) const override {
    return {"every residual branch adds exactly 0", largest_addition(net, required_branches(net, name()), sample, seed),
            0.0};
  }

 private:
  const char* name() const { return gamma_ ? "zero_gamma" : "zero_last"; }
  const bool gamma_;
};

}  // namespace

NetworkInitializerPtr zero_last() { return std::make_shared<ZeroLast>(false); }
NetworkInitializerPtr zero_gamma() { return std::make_shared<ZeroLast>(true); }

}  // namespace fanin
