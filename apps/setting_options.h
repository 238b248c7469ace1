// The settings table as command-line options, so that every command that trains offers the same ones.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/config.h"

#include <CLI/CLI.hpp>

#include <map>
#include <set>

namespace fanin {

class SettingOptions {
 public:
  // Adds --recipe NAME, --config FILE and one option per setting, except those in `without`.
  void add(CLI::App& command, const std::set<std::string>& without = {});
  // Defaults, then `base` if given, then the recipe, then the TOML file, then what was typed.
  RunConfig resolve(RunConfig base = {}) const;

 private:
  std::string recipe_, config_file_;
  std::map<std::string, std::string> typed_;
  std::map<std::string, CLI::Option*> options_;
};

}  // namespace fanin
