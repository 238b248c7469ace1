// Steps over a whole network by name: what --scheme takes beside initializers and presets, for example
//   lsuv                              its own base, orthogonal weights, then the step
//   lsuv:base=kaiming_normal          another base: any initializer without options, or a preset
//   lsuv:tolerance=0.05;fc.weight=zeros   rules on top of the base, before the step
// SPDX-License-Identifier: MIT
#pragma once

#include "init/network_initializer.h"

#include <string_view>
#include <vector>

namespace fanin {

struct NetworkEntry {
  std::string name, options;  // "tolerance=0.02, tries=10"
  std::string base;           // what fills the network first, unless base= names another
  std::string formula, source, claim;
  std::string model;  // a network that it is for, as an example: "wrn-10-1:residual=fixup"
};
const std::vector<NetworkEntry>& network_catalog();
const NetworkEntry* find_network_entry(std::string_view name);  // null if there is none

struct NetworkStep {
  std::string base;
  NetworkInitializerPtr initializer;
};
// Of a spec whose name the catalog has. Throws ErrorKind::usage for unknown options and bad values.
NetworkStep make_network_step(std::string_view spec);

}  // namespace fanin
