// SPDX-License-Identifier: MIT
#include "init/skipinit.h"

#include "core/check.h"
#include "init/residual.h"

#include <cmath>

namespace fanin {

namespace {

class Scales : public NetworkInitializer {
 public:
  Scales(const char* name, BranchScale value) : name_(name), value_(value) {}
  std::string describe() const override { return value_ == BranchScale::zero ? "0" : "1 / sqrt(number of branches)"; }
  bool changes(Role role) const override { return role == Role::scalar_multiplier; }

  void apply(Network& net, const Batch&, std::uint64_t) const override {
    const std::vector<ResidualBranch> branches = branches_of(net);
    for (const ResidualBranch& branch : branches) branch.multiplier->value[0] = wanted(branches.size());
  }

  Property check(Network& net, const Batch&, std::uint64_t) const override {
    const std::vector<ResidualBranch> branches = branches_of(net);
    Property result{"every branch is multiplied by " + describe(), 0.0, 0.0};
    for (const ResidualBranch& branch : branches)
      result.deviation = std::max(
          result.deviation, std::fabs(static_cast<double>(branch.multiplier->value[0] - wanted(branches.size()))));
    return result;
  }

 private:
  std::vector<ResidualBranch> branches_of(Network& net) const {
    std::vector<ResidualBranch> branches = required_branches(net, name_);
    for (const ResidualBranch& branch : branches)
      FANIN_CHECK(branch.multiplier != nullptr, usage,
                  "scheme '{}' needs a multiplier at the end of each residual branch, and {} has none; use a network "
                  "such as wrn-16-1:residual={},norm=none",
                  name_, branch.sum, name_);
    return branches;
  }
  float wanted(std::size_t branches) const {
    return value_ == BranchScale::zero ? 0.0f : static_cast<float>(1.0 / std::sqrt(static_cast<double>(branches)));
  }
  const char* const name_;
  const BranchScale value_;
};

}  // namespace

NetworkInitializerPtr branch_scale(const char* name, BranchScale value) {
  return std::make_shared<Scales>(name, value);
}

}  // namespace fanin
