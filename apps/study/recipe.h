// The training recipes of the source systems, as settings with their sources. Each is what the code does, and says where
// that differs from the paper and what of it fanin does not do.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/config.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fanin {

struct Recipe {
  std::string name, source;
  std::vector<std::pair<std::string, std::string>> settings;  // keys of settings()
  std::vector<std::string> notes;                             // conventions, deviations from the paper
  std::vector<std::string> published;                         // names of curves to compare with (published.h)
};

const std::vector<Recipe>& recipes();
const Recipe& recipe_named(std::string_view name);  // throws ErrorKind::usage
void apply(const Recipe& recipe, RunConfig& config);

// After --epochs changed the length, moves milestones that are still the recipe's in proportion. Returns a sentence
// that says so, or nothing.
std::string scale_milestones(const Recipe& recipe, RunConfig& config);

}  // namespace fanin
