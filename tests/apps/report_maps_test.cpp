// What a comparison's page shows of several learning rates, and of recorded weights.
// SPDX-License-Identifier: MIT
#include "apps/study/record.h"
#include "apps/study/report_curves.h"
#include "tests/support/command.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

RankingRow row_of(const std::string& scheme, double rate, double accuracy) {
  RankingRow row;
  row.scheme = scheme;
  row.rate = rate;
  row.show_rate = true;
  row.seeds.resize(1);
  row.final_accuracy = {accuracy, accuracy, accuracy};
  return row;
}

TEST(RateMap, HasASchemeARowAndARateAColumn) {
  ModelRanking ranking;
  ranking.rows = {row_of("b", 0.1, 0.75), row_of("a", 1.0, 0.5), row_of("b", 1.0, 0.25),
                  row_of("c", 0.1, 0.125)};  // best first
  const HeatMap map = rate_map(ranking, "Accuracy");
  EXPECT_EQ(map.title, "Accuracy");
  EXPECT_EQ(map.columns, (std::vector<std::string>{"0.1", "1"}));
  EXPECT_EQ(map.rows, (std::vector<std::string>{"c", "a", "b"})) << "the best on top";
  EXPECT_EQ(map.values[0][0], 12.5);
  EXPECT_TRUE(std::isnan(map.values[1][0])) << "not finished";
  EXPECT_EQ(map.values[1][1], 50.0);
  EXPECT_EQ(map.values[2], (std::vector<double>{75.0, 25.0}));
  ranking.rows = {row_of("b", 0.1, 0.75), row_of("a", 1.0, 0.5)};
  EXPECT_TRUE(rate_map(ranking, "").rows.empty()) << "one rate for each scheme is no map";
}

TEST(WeightStacks, StepThroughEpochs) {
  const test::Path out = test::scratch_folder();
  Comparison c;
  c.schemes = {"a", "b"};
  c.models = {"m"};
  c.seeds = {4, 5};
  c.rates = {0.1};
  ModelRanking ranking;
  ranking.model = "m";
  for (const char* scheme : {"a", "b"}) ranking.rows.push_back(row_of(scheme, 0.1, 0.5));
  std::string bins;
  for (int i = 1; i < kWeightBins; ++i) bins += ",0";
  for (const PlannedRun& run : planned_runs(c, out)) {
    std::string rows = "head\n";
    for (const char* epoch : {"0", "1"})
      for (const char* weight : {"w0", "w1", "w2", "w3", "w4", "w5"})
        rows += std::string(epoch) + "," + weight + ",-2,2," + std::to_string(run.config.seed) + bins + "\n";
    test::write_file(run.folder / "weight_histograms.csv", rows);
  }
  const std::vector<HistogramStack> stacks = weight_stacks(c, ranking, out);
  ASSERT_EQ(stacks.size(), 4u) << "four of the six weights";
  EXPECT_EQ(stacks[0].title, "w0");
  EXPECT_EQ(stacks[3].title, "w5");
  ASSERT_EQ(stacks[0].frames.size(), 2u);
  EXPECT_EQ(stacks[0].frames[0].label, "birth");
  ASSERT_EQ(stacks[0].frames[1].series.size(), 2u);
  EXPECT_EQ(stacks[0].frames[1].series[1].name, "b @ lr 0.1");
  EXPECT_EQ(stacks[0].frames[1].series[1].counts[0], 4.0) << "of the first seed";
  EXPECT_TRUE(weight_stacks(c, ranking, out / "elsewhere").empty()) << "nothing was recorded";
}

}  // namespace
}  // namespace fanin
