// fanin recipe: the training recipes of the source systems.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/study/published.h"
#include "apps/study/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace fanin {

namespace {

void list() {
  for (const Recipe& r : recipes()) {
    RunConfig config;
    apply(r, config);
    fmt::print("  {:<13} {:<19} {} epochs, batch {}, lr {}  {}\n", r.name, config.model, config.epochs, config.batch,
               config.lr, r.source);
  }
}

void show(const std::string& name) {
  const Recipe& recipe = recipe_named(name);
  RunConfig config;
  apply(recipe, config);
  fmt::print("{}\nfrom {}\n\n", recipe.name, recipe.source);
  for (const Setting& setting : settings()) {
    const bool set = std::any_of(recipe.settings.begin(), recipe.settings.end(),
                                 [&](const auto& pair) { return pair.first == setting.key; });
    if (set) fmt::print("  {:<15} = {:<34} # {}\n", setting.key, setting.get(config), setting.help);
  }
  fmt::print("\n");
  for (const std::string& note : recipe.notes) fmt::print("- {}\n", note);
  for (const std::string& curve : recipe.published) {
    const PublishedCurve& c = published_curve(curve);
    fmt::print("- published curve {}: {} on {}, {:.2f} % test error after epoch {} (fanin compare --published {})\n",
               curve, c.network, c.data, c.points.back().test_error, c.points.back().epoch, curve);
  }
  fmt::print(
      "\nfanin train --recipe {} --data cifar10.fanin; on a CPU with --model and --epochs of your choice, milestones "
      "move along.\n",
      recipe.name);
}

}  // namespace

void add_recipe_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("recipe",
                                         "The source systems' training recipes: what they set, and where they "
                                         "deviate from their papers");
  command->require_subcommand(1);
  command->add_subcommand("list", "All recipes, a line each")->callback(list);
  const std::shared_ptr<std::string> name = std::make_shared<std::string>();
  CLI::App* one = command->add_subcommand("show", "One recipe with its source and notes");
  one->add_option("name", *name, "Recipe")->required();
  one->callback([name] { show(*name); });
}

}  // namespace fanin
