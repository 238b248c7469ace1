// SPDX-License-Identifier: MIT
#include "init/scheme.h"

#include "core/check.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

class ByRole : public Scheme {
 public:
  ByRole(std::string name, RoleTable table) : name_(std::move(name)), table_(std::move(table)) {}

  std::string describe() const override { return name_; }

  void apply(Network& net, ConstView, std::uint64_t seed) const override {
    for (const Parameter* p : net.parameters()) {
      try {
        row_of(*p).fill(p->shape, p->value, Rng::stream(seed, "init/" + p->name));
      } catch (const Error& error) {
        throw Error(error.kind(), p->name + ": " + error.what());
      }
      for (const float v : p->value)
        FANIN_CHECK(std::isfinite(v), usage, "{}: scheme '{}' drew a weight that is not finite; use a smaller variance",
                    p->name, name_);
    }
  }

  std::optional<double> variance(const Parameter& p) const override { return row_of(p).variance(p.shape); }
  std::string describe(const Parameter& p) const override { return row_of(p).describe(); }

 private:
  const Initializer& row_of(const Parameter& p) const {
    const RoleTable::const_iterator row = table_.find(p.role);
    FANIN_CHECK(row != table_.end(), usage, "{}: scheme '{}' has no initializer for role {}; add one", p.name, name_,
                to_string(p.role));
    return *row->second;
  }

  const std::string name_;
  const RoleTable table_;
};

}  // namespace

std::unique_ptr<Scheme> by_role(std::string name, RoleTable table) {
  return std::make_unique<ByRole>(std::move(name), std::move(table));
}

}  // namespace fanin
