// record.csv of a run: norms and speeds of the weights after every epoch.
// SPDX-License-Identifier: MIT
#include "apps/study/record.h"

#include "core/check.h"
#include "core/text.h"
#include "layers/linear.h"
#include "tests/support/command.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

using test::file_text;
using test::Path;
using test::run_fanin;

std::vector<std::vector<std::string>> rows_of(const std::string& csv) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string_view line : split(csv, '\n')) {
    rows.emplace_back();
    for (const std::string_view cell : split(line, ',')) rows.back().emplace_back(cell);
  }
  return rows;
}

TEST(Record, HoldsWhatItSays) {
  Network net({0, 1, 1, 2});
  net.prepare(linear(net, "fc", net.input(), {.out = 1}), 1);
  const std::span<float> w = net.find_parameter("fc.weight")->value, g = net.find_parameter("fc.weight")->grad;
  const auto set = [](std::span<float> to, float a, float b) { to[0] = a, to[1] = b; };
  net.find_parameter("fc.bias")->value[0] = 7.0f;  // of rank 1: not in the record
  const Path folder = test::scratch_folder(), file = folder / "record.csv";
  TrainingRecord record(net, folder, true);
  set(w, 0, 0);
  record.start(true);
  set(w, 3, 1);
  record.after_step();
  set(w, 3, 4);
  set(g, 6, 8);
  record.after_step();
  record.after_epoch(1, 0.5);
  record.after_epoch(2, 0.25);
  record.after_epoch(2, 1.0);  // done again after a crash
  const auto rows = rows_of(file_text(file));
  ASSERT_EQ(rows.size(), 4u);  // the last is behind the last newline
  EXPECT_EQ(rows[1], (std::vector<std::string>{"1", "fc.weight", "5", "2", "0.6", "0.02"}));
  EXPECT_EQ(rows[2], (std::vector<std::string>{"2", "fc.weight", "5", "2", "0.6", "0.04"}));

  const std::vector<WeightHistogram> histograms = read_weight_histograms(folder / "weight_histograms.csv");
  ASSERT_EQ(histograms.size(), 3u) << "at birth and after two epochs";
  EXPECT_EQ(histograms[0].epoch, 0);
  EXPECT_EQ(histograms[0].histogram.high, 1.0) << "all are zero: any range will do";
  EXPECT_EQ(histograms[0].histogram.counts[kWeightBins / 2], 2.0);
  EXPECT_EQ(histograms[2].epoch, 2);
  EXPECT_EQ(histograms[2].weight, "fc.weight");
  EXPECT_EQ(histograms[2].histogram.low, -4.0);
  EXPECT_EQ(histograms[2].histogram.counts.back(), 1.0) << "4 of [-4, 4]";
  EXPECT_EQ(histograms[2].histogram.counts[21], 1.0) << "3 is 7/8 of the way, times 24 bins";
  test::write_file(folder / "weight_histograms.csv", "epoch\n1,fc.weight,0,1,2\n");
  EXPECT_THROW(read_weight_histograms(folder / "weight_histograms.csv"), Error);
  EXPECT_TRUE(read_weight_histograms(folder / "none.csv").empty());
}

TEST(Record, IsTheSameForARunThatWasInterrupted) {
  const Path folder = test::scratch_folder();
  const std::string options =
      " --model plain-4-4 --data synthetic:train=64,test=16 --batch 16 --epochs 3 --threads 1 --record true --run ";
  ASSERT_EQ(run_fanin(folder, "train" + options + "whole").exit_code, 0);
  // Stopped by its own clock after some step, again and again.
  for (int i = 0; i < 200; ++i) {
    const test::CommandResult r = run_fanin(folder, "train" + options + "parts --max-minutes 0.0000001");
    if (r.output.find("done: ") != std::string::npos) break;
  }
  const std::string whole = file_text(folder / "whole/record.csv");
  const auto a = rows_of(whole), b = rows_of(file_text(folder / "parts/record.csv"));
  ASSERT_EQ(a.size(), b.size());
  ASSERT_EQ(a.size(), 1 + 3 * 4 + 1u) << whole;  // three convolutions and the classifier, three epochs
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t c = 0; c < a[i].size(); ++c)
      EXPECT_TRUE(b[i][c].empty() || a[i][c] == b[i][c]) << i << ": " << a[i][c] << " and " << b[i][c];
  EXPECT_EQ(file_text(folder / "whole/weight_histograms.csv"), file_text(folder / "parts/weight_histograms.csv"));
  EXPECT_EQ(rows_of(file_text(folder / "whole/weight_histograms.csv")).size(), 1 + 4 * 4 + 1u);
  run_fanin(folder, "train --model plain-4-4 --data synthetic:train=64,test=16 --batch 16 --epochs 1 --run plain");
  EXPECT_FALSE(std::filesystem::exists(folder / "plain/record.csv"));
}

}  // namespace
}  // namespace fanin
