// A scheme: what a whole network starts from. Schemes by role give each role one initializer; later kinds may look at
// data.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"
#include "init/initializer.h"

#include <map>
#include <memory>
#include <string>

namespace fanin {

class Scheme {
 public:
  virtual ~Scheme() = default;
  virtual std::string describe() const = 0;
  // Fills every parameter of a prepared network; parameter p draws from stream init/<p.name>. Throws if one is left
  // unfilled.
  // `sample` is a normalized batch for schemes that look at data; others ignore it.
  virtual void apply(Network& net, ConstView sample, std::uint64_t seed) const = 0;
  // The promised variance of one parameter, if the scheme promises one.
  virtual std::optional<double> variance(const Parameter& parameter) const = 0;
  virtual std::string describe(const Parameter& parameter) const = 0;  // "normal, variance 2 / fan_in"
};

using RoleTable = std::map<Role, InitializerPtr>;
std::unique_ptr<Scheme> by_role(std::string name, RoleTable table);  // a role that occurs but has no row is an error

}  // namespace fanin
