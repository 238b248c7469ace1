// The recipes against what the upstream scripts do, written down here a second time.
// SPDX-License-Identifier: MIT
#include "apps/study/recipe.h"

#include "apps/study/published.h"
#include "apps/study/session.h"
#include "core/check.h"
#include "tests/support/command.h"

#include <cmath>

namespace fanin {
namespace {

RunConfig config_of(const char* name) {
  RunConfig config;
  apply(recipe_named(name), config);
  check(config);
  return config;
}

double rate(const RunConfig& config, int epoch_from_1) {
  return learning_rate(train_options(config).schedule, static_cast<std::int64_t>(epoch_from_1 - 1) * 390, 390);
}

TEST(Recipe, RatesDropInTheEpochsOfTheUpstreamCode) {
  // fb: epoch / 300 > 0.49 and > 0.74, 1-based.
  const RunConfig fb = config_of("fb-resnext");
  for (int epoch = 1; epoch <= 300; ++epoch) {
    const double expected = epoch / 300.0 > 0.74 ? 0.001 : epoch / 300.0 > 0.49 ? 0.01 : 0.1;
    ASSERT_NEAR(rate(fb, epoch), expected, 1e-12) << epoch;
  }
  // prlz77: drops in 0-based epochs 150 and 225; bamos: from 1-based epochs 150 and 225 on.
  for (int epoch = 1; epoch <= 300; ++epoch) {
    ASSERT_NEAR(rate(config_of("prlz77"), epoch), epoch - 1 >= 225 ? 0.001 : epoch - 1 >= 150 ? 0.01 : 0.1, 1e-12);
    ASSERT_NEAR(rate(config_of("bamos"), epoch), epoch >= 225 ? 0.001 : epoch >= 150 ? 0.01 : 0.1, 1e-12);
  }
  // WRN: times 0.2 at the start of 1-based epochs 60, 120, 160.
  for (const char* name : {"wrn-lua", "wrn-lua-2016", "wrn-pytorch"})
    for (int epoch = 1; epoch <= 200; ++epoch) {
      const int passed = (epoch >= 60) + (epoch >= 120) + (epoch >= 160);
      ASSERT_NEAR(rate(config_of(name), epoch), 0.1 * std::pow(0.2, passed), 1e-12) << name << " " << epoch;
    }
}

TEST(Recipe, TheRestOfTheSettings) {
  struct Expected {
    const char *name, *model, *scheme;
    int batch;
    bool nesterov, reset, drop_last;
    double decay;
    const char *padding, *normalize;
  };
  const Expected table[] = {
      {"fb-resnext", "resnext-29-8x64d", "fb-resnext", 128, true, false, false, 5e-4, "mean", "cifar10"},
      {"prlz77", "resnext-29-8x64d", "prlz77-resnext", 128, true, false, false, 5e-4, "black", "cifar10"},
      {"bamos", "densenet-bc-100-12", "bamos-densenet", 64, false, false, false, 1e-4, "black", "bamos"},
      {"wrn-lua", "wrn-40-4", "wrn-lua", 128, true, true, true, 5e-4, "reflect", "cifar10"},
      {"wrn-lua-2016", "wrn-40-4", "wrn-lua-2016", 128, true, true, true, 5e-4, "reflect", "cifar10"},
      {"wrn-pytorch", "wrn-28-10", "wrn-pytorch", 128, false, true, false, 5e-4, "reflect", "cifar10"},
  };
  EXPECT_EQ(recipes().size(), std::size(table));
  for (const Expected& e : table) {
    const RunConfig c = config_of(e.name);
    EXPECT_EQ(c.model, e.model) << e.name;
    EXPECT_EQ(c.scheme, e.scheme) << e.name;
    EXPECT_EQ(c.batch, e.batch) << e.name;
    EXPECT_EQ(c.nesterov, e.nesterov) << e.name;
    EXPECT_EQ(c.reset_momentum, e.reset) << e.name;
    EXPECT_EQ(c.drop_last, e.drop_last) << e.name;
    EXPECT_EQ(c.weight_decay, e.decay) << e.name;
    EXPECT_EQ(c.momentum, 0.9) << e.name;
    EXPECT_TRUE(c.no_decay.empty()) << e.name;
    EXPECT_EQ(c.augment, std::string("crop:pad=4:padding=") + e.padding + ",mirror") << e.name;
    EXPECT_EQ(c.normalize, e.normalize) << e.name;
    for (const std::string& curve : recipe_named(e.name).published) published_curve(curve);
    EXPECT_FALSE(recipe_named(e.name).notes.empty());
  }
  EXPECT_THROW(recipe_named("prlz"), Error);
}

TEST(Recipe, MilestonesMoveWithTheEpochs) {
  RunConfig config = config_of("wrn-lua");
  EXPECT_EQ(scale_milestones(recipe_named("wrn-lua"), config), "");
  config.epochs = 20;
  EXPECT_NE(scale_milestones(recipe_named("wrn-lua"), config).find("milestones moved"), std::string::npos);
  EXPECT_EQ(config.milestones, (std::vector<double>{5.9, 11.9, 15.9}));
  config.epochs = 10;
  EXPECT_EQ(scale_milestones(recipe_named("wrn-lua"), config), "") << "no longer the recipe's own";
}

TEST(Recipe, PublishedCurvesAreCurves) {
  for (const PublishedCurve& curve : published_curves()) {
    EXPECT_GE(curve.points.size(), 15u) << curve.name;
    for (std::size_t i = 1; i < curve.points.size(); ++i)
      EXPECT_LT(curve.points[i - 1].epoch, curve.points[i].epoch) << curve.name;
    EXPECT_LT(curve.points.back().test_error, curve.points.front().test_error / 2.0) << curve.name;
  }
}

TEST(Recipe, OnTheCommandLine) {
  const test::Path folder = test::scratch_folder();
  const test::CommandResult shown = test::run_fanin(folder, "recipe show prlz77");
  EXPECT_EQ(shown.exit_code, 0) << shown.output;
  for (const char* part : {"150,225", "prlz77/ResNeXt.pytorch", "0.05", "prlz77-cifar10"})
    EXPECT_NE(shown.output.find(part), std::string::npos) << part;
  EXPECT_EQ(test::run_fanin(folder, "recipe show nothing").exit_code, 2);
  const test::CommandResult run = test::run_fanin(
      folder,
      "train --recipe wrn-pytorch --model wrn-10-1 --epochs 2 --batch 10 --data synthetic:train=20,test=10 --run r");
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_NE(run.output.find("milestones moved"), std::string::npos) << run.output;
  const std::string config = test::file_text(folder / "r/config.toml");
  for (const char* part :
       {"wrn-10-1", "scheme = 'wrn-pytorch'", "milestones = [0.59,1.19,1.59]", "reset_momentum = true"})
    EXPECT_NE(config.find(part), std::string::npos) << part << "\n" << config;
}

}  // namespace
}  // namespace fanin
