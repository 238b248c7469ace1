// Trainings side by side are those one after the other, and differences are paired by seed.
// SPDX-License-Identifier: MIT
#include "apps/lessons/trials.h"

#include "apps/lessons/material.h"
#include "apps/study/value_statistics.h"

#include <gtest/gtest.h>

namespace fanin {
namespace {

struct Count : LessonWatcher {
  int calls = 0;
  double last = 0.0;
  void progress(double share, const std::string&) override {
    ++calls;
    last = share;
  }
};

TEST(Trials, AreInOrderAndTheSameAsAlone) {
  const Dataset data = clusters(200, 10, 4, 0.3, 1);
  std::vector<Exercise> trials;
  for (const double rate : {0.01, 0.1, 0.5})
    trials.push_back({.model = "mlp-1-8", .scheme = "kaiming_normal", .rate = rate, .batch = 20, .steps = 15});
  Page page("trials", Language::en);
  Count watcher;
  LessonContext context({}, page, watcher);
  context.plan(3.0);
  const std::vector<Exercised> together = run_trials(context, data, trials);
  ASSERT_EQ(together.size(), 3u);
  for (std::size_t i = 0; i < trials.size(); ++i) EXPECT_EQ(together[i].loss, exercise(data, trials[i]).loss) << i;
  EXPECT_NE(together[0].loss, together[2].loss);
  EXPECT_EQ(watcher.calls, 3);
  EXPECT_EQ(watcher.last, 1.0);
}

TEST(Trials, TheBatchIsNormalized) {
  const KeptBatch batch = batch_of(clusters(400, 10, 8, 0.3, 1), 200, 1);
  EXPECT_EQ(batch.labels.size(), 200u);
  const ValueStatistics s = statistics_of(batch.images.view(), {});
  EXPECT_NEAR(s.mean, 0.0, 0.1);
  EXPECT_NEAR(s.std, 1.0, 0.1);
}

TEST(Trials, DifferencesArePaired) {
  // Seeds differ by 10, the pairs by about 1: only paired is the difference seen.
  const IntervalRow row = paired_row("a - b", {11.0, 21.1, 30.9, 41.0}, {10.0, 20.0, 30.0, 40.0});
  EXPECT_NEAR(row.centre, 1.0, 1e-12);
  EXPECT_TRUE(row.has_interval);
  EXPECT_TRUE(differs(row));
  EXPECT_FALSE(differs(paired_row("none", {1.0, -1.0, 1.0, -1.0}, {0.0, 0.0, 0.0, 0.0})));
  const IntervalRow single = paired_row("one seed", {2.0}, {1.0});
  EXPECT_FALSE(single.has_interval);
  EXPECT_FALSE(differs(single)) << "one seed shows nothing";
}

TEST(Trials, TextsSayWhatWasFound) {
  Page page("trials", Language::en);
  LessonWatcher nobody;
  const LessonContext context({}, page, nobody);
  EXPECT_EQ(paired_text(context, {"x", 0.5, -0.25, 1.25, true}), "+0.500 [-0.250, 1.250]: no difference found");
  EXPECT_EQ(paired_text(context, {"x", 0.5, 0.25, 0.75, true}), "+0.500 [0.250, 0.750]: a difference");
  EXPECT_EQ(listed({1.0, 2.5}, "{:.1f}"), "1.0, 2.5");
}

}  // namespace
}  // namespace fanin
