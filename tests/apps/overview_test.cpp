// Several networks at a glance.
// SPDX-License-Identifier: MIT
#include "apps/study/overview.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

RankingRow row_of(const std::string& scheme, double accuracy, const std::string& verdict) {
  RankingRow row;
  row.scheme = scheme;
  row.final_accuracy.median = accuracy;
  row.verdict = verdict;
  row.seeds.resize(2);
  if (verdict != "best") row.interval = Interval{-1.0, 1.0};
  return row;
}

// Worked out by hand. On the first network a and b share places 1 and 2; of b's two rates the better one counts. On the
// second network c has no finished run.
std::vector<ModelRanking> two_networks() {
  ModelRanking first{.model = "m", .classes = 10, .target = 0, .rows = {}, .missing = 0}, second = first;
  first.rows = {row_of("a", 0.5, "best"), row_of("b", 0.5, "no difference found"), row_of("c", 0.4, "worse"),
                row_of("b", 0.3, "worse")};
  second.model = "n";
  second.rows = {row_of("b", 0.6, "best"), row_of("a", 0.2, "worse"), row_of("c", 0.0, "too few seeds")};
  second.rows[2].seeds.clear();
  second.rows[2].interval.reset();
  return {first, second};
}

TEST(Overview, ByHand) {
  const std::vector<SchemeOverview> schemes = overview(two_networks());
  ASSERT_EQ(schemes.size(), 3u);
  EXPECT_EQ(schemes[0].scheme, "b");
  EXPECT_EQ(schemes[0].mean_rank, 1.25);
  EXPECT_EQ(schemes[0].best, 2);
  EXPECT_EQ(schemes[0].worse, 0) << "its worse rate does not count";
  EXPECT_EQ(schemes[1].scheme, "a");
  EXPECT_EQ(schemes[1].mean_rank, 1.75);
  EXPECT_EQ(schemes[1].worse, 1);
  EXPECT_EQ(schemes[2].scheme, "c");
  EXPECT_EQ(schemes[2].networks, 1);
  EXPECT_EQ(schemes[2].mean_rank, 3.0);
  EXPECT_EQ(overview_sentence(two_networks()).substr(0, 12), "3 of 4 inter");
}

TEST(Overview, MapHasASchemeARowAndANetworkAColumn) {
  const HeatMap map = overview_map(two_networks());
  EXPECT_EQ(map.columns, (std::vector<std::string>{"m", "n"}));
  EXPECT_EQ(map.rows, (std::vector<std::string>{"c", "a", "b"})) << "the best on top";
  EXPECT_EQ(map.values[0][0], 40.0);
  EXPECT_TRUE(std::isnan(map.values[0][1]));
  EXPECT_EQ(map.values[2], (std::vector<double>{50.0, 60.0}));
}

TEST(Overview, NeedsSeveralNetworks) {
  EXPECT_EQ(overview_markdown({two_networks()[0]}), "");
  EXPECT_NE(overview_markdown(two_networks()).find("| b | 2 | 1.25 | 2 | 0 |"), std::string::npos);
}

}  // namespace
}  // namespace fanin
