// What a comparison's page shows of several learning rates, and of recorded weights.
// SPDX-License-Identifier: MIT
#include "apps/study/node_record.h"
#include "apps/study/record.h"
#include "apps/study/report_curves.h"
#include "apps/study/report_record.h"
#include "tests/support/command.h"

#include <fmt/format.h>

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

TEST(RecordFigures, StepThroughEpochsOfWeights) {
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
  const std::vector<HistogramStack> stacks = record_figures(c, ranking, out).weights;
  ASSERT_EQ(stacks.size(), 4u) << "four of the six weights";
  EXPECT_EQ(stacks[0].title, "w0");
  EXPECT_EQ(stacks[3].title, "w5");
  ASSERT_EQ(stacks[0].frames.size(), 2u);
  EXPECT_EQ(stacks[0].frames[0].label, "birth");
  ASSERT_EQ(stacks[0].frames[1].series.size(), 2u);
  EXPECT_EQ(stacks[0].frames[1].series[1].name, "b @ lr 0.1");
  EXPECT_EQ(stacks[0].frames[1].series[1].counts[0], 4.0) << "of the first seed";
  EXPECT_TRUE(record_figures(c, ranking, out / "elsewhere").weights.empty()) << "nothing was recorded";
  EXPECT_TRUE(record_figures(c, ranking, out).nodes.empty()) << "of nodes nothing";
}

TEST(RecordFigures, ShowNodesAtBirthAndAtTheEnd) {
  const test::Path out = test::scratch_folder();
  Comparison c;
  c.schemes = {"a", "b"};
  c.models = {"m"};
  c.seeds = {4};
  c.rates = {0.1};
  ModelRanking ranking;
  ranking.model = "m";
  for (const char* scheme : {"a", "b"}) ranking.rows.push_back(row_of(scheme, 0.1, 0.5));
  std::string bins;
  for (std::size_t i = 1; i < kNodeBins; ++i) bins += ",0";
  for (const PlannedRun& run : planned_runs(c, out)) {
    const int last = run.config.scheme == "a" ? 60 : 30;  // b diverged
    std::string rows = "head\n", histograms = "head\n";
    for (int epoch = 0; epoch <= last; ++epoch) {
      rows += std::to_string(epoch) + ",input,0,0,1,1,0,0,0,0,,,\n";
      for (const char* node : {"n0", "n1", "n2", "n3", "n4"}) {
        rows += fmt::format("{},{},1,0,1,{},0,0,0,0,0,1,{}\n", epoch, node, epoch + 1, epoch == 30 ? "inf" : "0.5");
        histograms += fmt::format("{},{},value,-2,2,{}{}\n{},{},gradient,-3,3,7{}\n", epoch, node, epoch, bins, epoch,
                                  node, bins);
      }
    }
    test::write_file(run.folder / "node_record.csv", rows);
    test::write_file(run.folder / "node_histograms.csv", histograms);
  }
  const RecordFigures figures = record_figures(c, ranking, out);
  ASSERT_EQ(figures.nodes.size(), 2u);
  const Plot &values = figures.nodes[0], &gradients = figures.nodes[1];
  EXPECT_EQ(values.x_names, (std::vector<std::string>{"input", "n0", "n1", "n2", "n3", "n4"}));
  ASSERT_EQ(values.series.size(), 4u) << "two schemes, at birth and at the end";
  EXPECT_TRUE(values.series[0].reference);
  EXPECT_EQ(values.series[1].name, "a @ lr 0.1, epoch 60");
  EXPECT_EQ(values.series[1].group, "a @ lr 0.1");
  EXPECT_EQ(values.series[1].y, (std::vector<double>{1, 61, 61, 61, 61, 61}));
  EXPECT_EQ(values.series[3].name, "b @ lr 0.1, epoch 30") << "the last that it has";
  ASSERT_EQ(gradients.series.size(), 3u) << "b's gradients are not finite at the end";
  EXPECT_EQ(gradients.series[0].x, (std::vector<double>{1, 2, 3, 4, 5})) << "the images have none";
  ASSERT_EQ(figures.values.size(), 4u) << "four of the five layers";
  EXPECT_EQ(figures.gradients[3].title, "Gradients of n4");
  const std::vector<HistogramFrame>& frames = figures.values[0].frames;
  ASSERT_EQ(frames.size(), kMostFrames) << "of 61 epochs";
  EXPECT_EQ(frames.front().label, "birth");
  EXPECT_EQ(frames.back().label, "60");
  EXPECT_EQ(frames.front().series.size(), 2u);
  EXPECT_EQ(frames.back().series.size(), 1u) << "b ended before";
  EXPECT_EQ(frames.back().series[0].counts[0], 60.0);
  EXPECT_EQ(figures.gradients[0].frames.back().series[0].low, -3.0);
}

}  // namespace
}  // namespace fanin
