// A learning rate for each scheme: chosen fairly, away from the test set, and then used.
// SPDX-License-Identifier: MIT
#include "apps/study/tuning.h"
#include "tests/support/command.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace fanin {
namespace {

using test::file_text;
using test::Path;
using test::run_fanin;

RankingRow trial(const std::string& scheme, double rate, double accuracy) {
  RankingRow row;
  row.scheme = scheme;
  row.rate = rate;
  row.final_accuracy.median = accuracy;
  row.seeds.resize(1);
  return row;
}

TEST(Tuning, TakesTheBestMedianAndOfEqualsTheSmallestRate) {
  ModelRanking first{.model = "m", .classes = 10, .target = 0, .rows = {}, .missing = 0}, second = first;
  first.rows = {trial("a", 0.3, 0.5), trial("b", 0.3, 0.4), trial("b", 0.1, 0.4), trial("a", 0.1, 0.3)};
  second.model = "n";
  second.rows = {trial("a", 0.1, 0.2)};
  std::map<std::string, double> rates;
  for (const TunedRate& t : choose_rates({first, second})) rates[t.model + t.scheme] = t.rate;
  EXPECT_EQ(rates, (std::map<std::string, double>{{"ma", 0.3}, {"mb", 0.1}, {"na", 0.1}}));
}

Comparison two_schemes() {
  Comparison c;
  c.schemes = {"ones", "zeros"};
  c.models = {"mlp-1-8"};
  c.seeds = {1, 2, 3};
  c.rates = {0.01, 0.1, 1.0};
  c.tuning_seeds = 2;
  c.tuning_images = 50;
  c.base.train_size = 200;
  c.base.test_size = 30;
  return c;
}

TEST(Tuning, CostsEverySchemeTheSameAndLeavesTestSetAndSeedsAlone) {
  const Comparison c = two_schemes();
  std::map<std::string, int> trials;
  for (const PlannedRun& run : planned_runs(tuning_comparison(c), "out")) {
    ++trials[run.config.scheme];
    EXPECT_EQ(run.config.validation, 50) << "images from the training set replace the test set";
    EXPECT_EQ(run.config.test_size, 0);
    EXPECT_EQ(run.config.train_size - run.config.validation, 200) << "as many to train on as later";
    for (const std::uint64_t seed : c.seeds) EXPECT_NE(run.config.seed, seed);
  }
  EXPECT_EQ(trials, (std::map<std::string, int>{{"ones", 6}, {"zeros", 6}}));
}

TEST(Tuning, ItsRateIsTheOnlyOneCompared) {
  Comparison c = two_schemes();
  c.tuned = {{"mlp-1-8", "ones", 0.1}, {"mlp-1-8", "zeros", 1.0}};
  const std::vector<PlannedRun> runs = planned_runs(c, "out");
  ASSERT_EQ(runs.size(), 6u);
  for (const PlannedRun& run : runs) EXPECT_EQ(run.config.lr, run.config.scheme == "ones" ? 0.1 : 1.0);
  EXPECT_TRUE(at_edge(c, 1.0));
  EXPECT_FALSE(at_edge(c, 0.1));
  const Path folder = test::scratch_folder();
  save(c, folder);
  EXPECT_EQ(planned_runs(load_comparison(folder), "out").back().folder, runs.back().folder);
}

TEST(Tuning, FromTheCommandLine) {
  const Path folder = test::scratch_folder();
  // A rate of 0 learns nothing.
  const std::string command =
      "compare --schemes kaiming_normal,xavier_uniform --models mlp-1-64 --seeds 2 --data synthetic:train=240,test=60 "
      "--batch 16 --epochs 4 --augment none --tune 0,0.05 --tune-images 60 --out out";
  const test::CommandResult first = run_fanin(folder, command);
  ASSERT_EQ(first.exit_code, 0) << first.output;
  EXPECT_NE(first.output.find("tuning: 4 runs"), std::string::npos) << first.output;
  EXPECT_NE(first.output.find("comparison: 4 runs"), std::string::npos) << first.output;
  EXPECT_NE(first.output.find("at the edge of what was tried"), std::string::npos) << first.output;
  for (const char* scheme : {"kaiming_normal", "xavier_uniform"})
    EXPECT_TRUE(std::filesystem::exists(folder / "out/mlp-1-64" / scheme / "s2-lr0.05/weights.safetensors")) << scheme;
  const std::string page = file_text(folder / "out/report.html");
  for (const char* part : {"Learning rates", "Validation accuracy, tuning", "kaiming_normal @ lr 0.05",
                           "--tune 0,0.05 --tune-seeds 1 --tune-images 60"})
    EXPECT_NE(page.find(part), std::string::npos) << part;

  const test::CommandResult again = run_fanin(folder, command);
  EXPECT_EQ(again.exit_code, 0) << again.output;
  const std::string all_done = "4 of 4 runs are finished already";
  const std::size_t tuning = again.output.find(all_done);
  ASSERT_NE(tuning, std::string::npos) << again.output;
  EXPECT_NE(again.output.find(all_done, tuning + 1), std::string::npos) << again.output;
}

TEST(Tuning, BadRequests) {
  const Path folder = test::scratch_folder();
  const auto refused = [&](const std::string& arguments, const std::string& reason) {
    const test::CommandResult result = run_fanin(folder, "compare --models mlp-1-8 " + arguments);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_NE(result.output.find(reason), std::string::npos) << result.output;
  };
  refused("--tune 0.1", "nothing to choose");
  refused("--tune 0.1,0.2 --lrs 0.1", "excludes");
  refused("--tune 0.1,0.2 --validation 10", "give only one");
  refused("--tune 0.1,0.2 --seed-list 1001", "seed 1001 is used for tuning");
  refused("--tune 0.1,0.2 --tune-seeds 0", "give 1 to 100");
  refused("--tune 0.1,0.2 --tune-images 0", "give at least 1");
  refused("--tune-seeds 2", "--tune-seeds requires --tune");
}

}  // namespace
}  // namespace fanin
