// The second kind of initializer: it sees a whole network that rules have filled, and a batch of images with labels, and
// changes what one weight alone cannot know: how large a layer's output really is, which convolution ends a residual
// branch. Schemes are such a step after rules ("lsuv", "fixup:base=kaiming_normal"); init/network_catalog.h names them.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"
#include "core/train/batch.h"
#include "init/initializer.h"
#include "init/scheme.h"

namespace fanin {

class NetworkInitializer {
 public:
  virtual ~NetworkInitializer() = default;
  virtual std::string describe() const = 0;  // "every output scaled to variance 1"
  // Changes parameters of a network that is prepared and filled; everything else (running statistics) it leaves as it
  // was. Pure: the same network, batch and seed give the same weights, for any number of threads. Throws
  // ErrorKind::usage for a network that it is not for, saying which it is for.
  virtual void apply(Network& net, const Batch& sample, std::uint64_t seed) const = 0;

  virtual bool needs_sample() const { return false; }
  virtual bool needs_gradients() const { return false; }  // the network must be prepared with Mode::train
  virtual bool changes(Role role) const = 0;              // then what the rules promised no longer holds for it
  // The defining claim, measured on the network that apply() left: "outputs have variance 1".
  virtual Property check(Network& net, const Batch& sample, std::uint64_t seed) const = 0;
  // For a step that draws by the rules itself: the same step, bound to them. Null for all others.
  virtual std::shared_ptr<const NetworkInitializer> bound_to(const std::shared_ptr<const Scheme>& /*rules*/) const {
    return nullptr;
  }
};

using NetworkInitializerPtr = std::shared_ptr<const NetworkInitializer>;

// The scheme that fills by `base` and then takes the step.
std::unique_ptr<Scheme> followed_by(std::string name, std::unique_ptr<Scheme> base, NetworkInitializerPtr step);

}  // namespace fanin
