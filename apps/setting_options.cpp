// SPDX-License-Identifier: MIT
#include "apps/setting_options.h"

#include "apps/study/recipe.h"

#include <fmt/format.h>

#include <algorithm>

namespace fanin {

namespace {
std::string flag_of(std::string key) {
  std::replace(key.begin(), key.end(), '_', '-');
  return "--" + key;
}
}  // namespace

void SettingOptions::add(CLI::App& command, const std::set<std::string>& without) {
  command.add_option("--recipe", recipe_, "A source system's recipe: see fanin recipe list; what is typed wins")
      ->group("What");
  command.add_option("--config", config_file_, "TOML file with settings; the command line wins")->group("What");
  const RunConfig defaults;
  for (const Setting& s : settings()) {
    if (without.contains(s.key)) continue;
    CLI::Option* option = command.add_option(flag_of(s.key), typed_[s.key], s.help)
                              ->group(s.group)
                              ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    const std::string value = s.get(defaults);
    if (!value.empty()) option->default_str(value);
    options_[s.key] = option;
  }
}

RunConfig SettingOptions::resolve(RunConfig config) const {
  const Recipe* recipe = recipe_.empty() ? nullptr : &recipe_named(recipe_);
  if (recipe != nullptr) apply(*recipe, config);
  if (!config_file_.empty()) read_toml(config, config_file_);
  for (const auto& [key, option] : options_)
    if (option->count() > 0) set_setting(config, key, typed_.at(key), flag_of(key));
  if (recipe != nullptr)
    if (const std::string moved = scale_milestones(*recipe, config); !moved.empty())
      fmt::print(stderr, "fanin: {}\n", moved);
  return config;
}

}  // namespace fanin
