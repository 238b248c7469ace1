// SPDX-License-Identifier: MIT
#include "init/network_initializer.h"

#include "core/check.h"

#include <cmath>

namespace fanin {

namespace {

class Followed : public Scheme {
 public:
  Followed(std::string name, std::unique_ptr<Scheme> base, NetworkInitializerPtr step)
      : name_(std::move(name)), base_(std::move(base)), step_(std::move(step)) {
    if (const NetworkInitializerPtr bound = step_->bound_to(base_)) step_ = bound;
  }

  std::string describe() const override { return name_; }
  void apply(Network& net, const Batch& sample, std::uint64_t seed, StreamKind stream) const override {
    base_->apply(net, sample, seed, stream);
    FANIN_CHECK(!step_->needs_sample() || sample.images.data != nullptr, usage,
                "scheme '{}' looks at images; give apply() a batch", name_);
    step_->apply(net, sample, seed);
    for (const Parameter* p : net.parameters())
      for (const float v : p->value)
        FANIN_CHECK(std::isfinite(v), usage, "{}: scheme '{}' made a weight that is not finite; choose another base",
                    p->name, name_);
  }
  const Initializer& initializer(const Parameter& p) const override { return base_->initializer(p); }
  std::string rule(const Parameter& p) const override { return base_->rule(p); }
  std::string describe(const Parameter& p) const override {
    return base_->describe(p) + (step_->changes(p.role) ? ", then " + step_->describe() : "");
  }
  std::optional<double> variance(const Parameter& p) const override {
    return step_->changes(p.role) ? std::nullopt : base_->variance(p);
  }
  const NetworkInitializer* step() const override { return step_.get(); }

 private:
  const std::string name_;
  const std::shared_ptr<const Scheme> base_;
  NetworkInitializerPtr step_;
};

}  // namespace

std::unique_ptr<Scheme> followed_by(std::string name, std::unique_ptr<Scheme> base, NetworkInitializerPtr step) {
  return std::make_unique<Followed>(std::move(name), std::move(base), std::move(step));
}

}  // namespace fanin
