// Schemes of real systems, by name: exactly what each of them does to every parameter, written as rules. A rule with
// '?=' applies where a network has such parameters.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/scheme.h"

#include <string_view>
#include <vector>

namespace fanin {

struct Preset {
  std::string name, rules, source;
  TorchProgram torch = {};
};

const std::vector<Preset>& presets();
const Preset* find_preset(std::string_view name);  // null if there is none

}  // namespace fanin
