// What every model of the catalog can switch, and the two-line helpers that obey the switch.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"

#include <string>

namespace fanin {

struct ModelOptions {
  int classes = 10;
  bool norm = true;          // false: no BatchNorm anywhere (its node and its parameters disappear)
  std::string act = "relu";  // any of activation_kinds()
};

// BatchNorm if options.norm, else x itself.
Node norm(Network& net, const std::string& name, Node x, const ModelOptions& options);
Node act(Network& net, const std::string& name, Node x, const ModelOptions& options);

}  // namespace fanin
