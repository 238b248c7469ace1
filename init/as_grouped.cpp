// SPDX-License-Identifier: MIT
#include "init/as_grouped.h"

#include "core/check.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace fanin {

namespace {

// The parts of one parameter of form C, in the order of their branches.
struct Joined {
  Parameter whole;  // name, role and shape of form C; it owns no values
  std::vector<Parameter*> parts;
};

std::vector<Joined> joined_parameters(Network& net) {
  std::map<const Parameter*, std::string> reads;
  for (const NodeSummary& row : net.summary())
    for (const Parameter* p : row.weights) reads[p] = row.inputs[0];
  std::map<std::string, Joined> found;
  for (Parameter* p : net.parameters()) {
    const std::size_t branch = p->name.find("branch_");
    if (branch == std::string::npos) continue;
    const std::string name = p->name.substr(0, branch) + p->name.substr(p->name.find('.', branch) + 1);
    found[name].parts.push_back(p);
  }
  std::vector<Joined> result;
  for (auto& [name, joined] : found) {
    const Parameter &first = *joined.parts.front(), &last = *joined.parts.back();
    const int count = static_cast<int>(joined.parts.size());
    joined.whole = {.name = name, .role = first.role, .shape = first.shape, .value = {}, .grad = {}};
    const bool one_input = first.shape.rank < 2 || reads.at(&first) == reads.at(&last);
    (one_input ? joined.whole.shape.out_per_group : joined.whole.shape.groups) *= count;
    result.push_back(joined);
  }
  return result;
}

class AsGrouped : public NetworkInitializer {
 public:
  explicit AsGrouped(std::shared_ptr<const Scheme> rules) : rules_(std::move(rules)) {}
  std::string describe() const override { return "as one grouped convolution, cut into branches"; }
  bool changes(Role role) const override { return role == Role::conv_weight || role == Role::norm_scale; }
  NetworkInitializerPtr bound_to(const std::shared_ptr<const Scheme>& rules) const override {
    return std::make_shared<AsGrouped>(rules);
  }

  void apply(Network& net, const Batch&, std::uint64_t seed) const override {
    visit(net, seed,
          [](Parameter& part, std::span<const float> values) { from_file_order(part.shape, values, part.value); });
  }

  Property check(Network& net, const Batch&, std::uint64_t seed) const override {
    Property result{"branches hold the weights of the grouped convolution", 0.0, 0.0};
    visit(net, seed, [&](Parameter& part, std::span<const float> values) {
      std::vector<float> file(values.size());
      to_file_order(part.shape, part.value, file);
      for (std::size_t i = 0; i < file.size(); ++i)
        result.deviation =
            std::max(result.deviation, std::fabs(static_cast<double>(file[i]) - static_cast<double>(values[i])));
    });
    return result;
  }

 private:
  // Calls fn with each part and what it should hold, in file order: there a branch's outputs are consecutive.
  template <class Fn>
  void visit(Network& net, std::uint64_t seed, Fn&& fn) const {
    FANIN_CHECK(rules_ != nullptr, usage, "as_grouped has no rules to draw by; make it with followed_by()");
    const std::vector<Joined> all = joined_parameters(net);
    FANIN_CHECK(!all.empty(), usage,
                "scheme 'as_grouped' is for networks of branches, and this one has none; use resnext-*:form=B");
    for (const Joined& joined : all) {
      std::vector<float> values(joined.whole.shape.size());
      PhiloxDraws draws(Rng::stream(seed, "init/" + joined.whole.name));
      rules_->initializer(joined.whole).fill(joined.whole.shape, values, draws);
      const std::size_t size = values.size() / joined.parts.size();
      for (std::size_t i = 0; i < joined.parts.size(); ++i)
        fn(*joined.parts[i], std::span(values).subspan(i * size, size));
    }
  }

  const std::shared_ptr<const Scheme> rules_;
};

}  // namespace

NetworkInitializerPtr as_grouped() { return std::make_shared<AsGrouped>(nullptr); }

}  // namespace fanin
