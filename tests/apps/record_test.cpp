// What a run with --record true writes: norms and speeds of the weights, and its nodes on a fixed batch.
// SPDX-License-Identifier: MIT
#include "apps/study/record.h"

#include "apps/study/node_record.h"
#include "core/check.h"
#include "core/text.h"
#include "layers/linear.h"
#include "tests/support/command.h"

#include <fmt/format.h>

#include <gtest/gtest.h>

#include <cmath>
#include <map>

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

TEST(EpochCsv, ReplacesWhatIsDoneAgainAndDropsHalfALine) {
  const Path file = test::scratch_folder() / "rows.csv";
  EpochCsv first(file, "epoch,x");
  first.put(1, "1,a\n1,b\n");
  first.put(2, "2,a\n");
  first.put(12, "12,a\n");
  EXPECT_EQ(file_text(file), "epoch,x\n1,a\n1,b\n2,a\n12,a\n");
  test::write_file(file, "epoch,x\n1,a\n2,b\n12,a\n1");  // killed while it wrote "12,b"
  EpochCsv again(file, "epoch,x");
  again.put(12, "12,c\n");
  EXPECT_EQ(file_text(file), "epoch,x\n1,a\n2,b\n12,c\n");
  again.put(2, "2,d\n");
  EXPECT_EQ(file_text(file), "epoch,x\n1,a\n2,d\n");
}

// Everything that a pass could disturb: running statistics, dropout, momentum, crops.
TEST(Record, ChangesNoBitOfARun) {
  const Path folder = test::scratch_folder();
  for (const char* record : {"true", "false"})
    ASSERT_EQ(run_fanin(folder, std::string("train --model wrn-10-1:dropout=0.3 --data synthetic:train=64,test=16 "
                                            "--batch 16 --epochs 3 --threads 1 --augment crop,mirror --record ") +
                                    record + " --run " + record)
                  .exit_code,
              0);
  for (const char* file : {"init.safetensors", "weights.safetensors"})
    EXPECT_EQ(file_text(folder / "true" / file), file_text(folder / "false" / file)) << file;
  for (std::size_t epoch = 1; epoch <= 3; ++epoch)
    EXPECT_EQ(rows_of(file_text(folder / "true/metrics.csv"))[epoch].back(),
              rows_of(file_text(folder / "false/metrics.csv"))[epoch].back());
  for (const char* file : {"record.csv", "node_record.csv", "node_histograms.csv", "weight_gradients.csv"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / "true" / file)) << file;
    EXPECT_FALSE(std::filesystem::exists(folder / "false" / file)) << file;
  }
  // The same images every time, as they are; and BatchNorm by their own statistics, in training mode.
  const auto rows = rows_of(file_text(folder / "true/node_record.csv"));
  std::map<std::string, std::vector<std::vector<std::string>>> by_node;
  for (std::size_t i = 1; i + 1 < rows.size(); ++i)
    by_node[rows[i][1]].emplace_back(rows[i].begin() + 2, rows[i].end());
  ASSERT_EQ(by_node["input"].size(), 4u) << "at birth and after three epochs";
  for (const auto& row : by_node["input"]) EXPECT_EQ(row, by_node["input"][0]);
  EXPECT_NE(by_node["conv0"][0], by_node["conv0"][3]);
  // As drawn, scale 1 and shift 0: mean 0, variance v / (v + epsilon), epsilon = 1e-5 and v about 1.
  EXPECT_NEAR(*parse_number(by_node["group0.block0.bn0"][0][1]), 0.0, 1e-6);
  EXPECT_NEAR(*parse_number(by_node["group0.block0.bn0"][0][2]), 1.0, 1e-4);
}

TEST(NodeRecord, AtBirthItIsWhatTheProbeMeasures) {
  RunConfig config;
  config.model = "plain-4-4:act=tanh";
  config.data = "synthetic:train=64,test=16";
  config.batch = 16;
  config.augment = "none";
  config.threads = 1;
  const auto session = open_session(config);
  const Birth b = birth(*session, 1, first_batch(*session));
  const Path folder = test::scratch_folder();
  NodeRecord record(*session, folder);
  record.put(0);
  const auto rows = rows_of(file_text(folder / "node_record.csv"));
  ASSERT_EQ(rows.size(), b.nodes.size() + 2);  // the head, and what is behind the last newline
  const auto cell = [](const OverSeeds& o) { return o.values.empty() ? "" : fmt::format("{}", o.values[0]); };
  for (std::size_t i = 0; i < b.nodes.size(); ++i) {
    const NodeBirth& n = b.nodes[i];
    const std::vector<std::string> expected = {"0",
                                               n.node,
                                               n.weighted ? "1" : "0",
                                               cell(n.mean),
                                               cell(n.std),
                                               fmt::format("{}", std::sqrt(n.square.values[0])),
                                               cell(n.zeros),
                                               cell(n.dead),
                                               cell(n.saturated),
                                               cell(n.correlation),
                                               cell(n.gradient_mean),
                                               cell(n.gradient_std)};
    EXPECT_EQ(std::vector<std::string>(rows[i + 1].begin(), rows[i + 1].end() - 1), expected);
  }
  const auto weights = rows_of(file_text(folder / "weight_gradients.csv"));
  ASSERT_EQ(weights.size(), b.weights.size() + 2);
  for (std::size_t i = 0; i < b.weights.size(); ++i) EXPECT_EQ(weights[i + 1].back(), cell(b.weights[i].ratio));

  // However a run crops and mirrors, it looks at the images as they are.
  config.augment = "crop,mirror";
  const auto cropped = open_session(config);
  cropped->initialize();
  const Path other = test::scratch_folder("cropped");
  NodeRecord(*cropped, other).put(0);
  EXPECT_EQ(file_text(other / "node_record.csv"), file_text(folder / "node_record.csv"));

  const std::vector<NodeRow> read = read_node_record(folder / "node_record.csv");
  ASSERT_EQ(read.size(), b.nodes.size());
  EXPECT_TRUE(std::isnan(read.front().gradient_rms)) << "nobody needs the gradient of the images";
  EXPECT_EQ(read.back().gradient_rms, std::sqrt(b.nodes.back().gradient_square.values[0]));
  std::vector<NodeHistogram> histograms =
      read_node_histograms(folder / "node_histograms.csv", [](int, std::string_view node) { return node == "conv0"; });
  ASSERT_EQ(histograms.size(), 2u);
  EXPECT_FALSE(histograms[0].gradient);
  EXPECT_TRUE(histograms[1].gradient);
  for (std::size_t i = 0; i < b.nodes.size(); ++i)
    if (b.nodes[i].node == "conv0") {
      EXPECT_EQ(histograms[0].histogram.counts, b.nodes[i].values.counts);
      EXPECT_EQ(histograms[1].histogram.counts, b.nodes[i].gradients.counts);
      EXPECT_EQ(histograms[1].histogram.low, b.nodes[i].gradients.low);
    }
  test::write_file(folder / "node_histograms.csv", "epoch\n1,conv0,value,0,1,2\n");
  EXPECT_THROW(read_node_histograms(folder / "node_histograms.csv", [](int, std::string_view) { return true; }), Error);
}

TEST(NodeRecord, IsCountedAsMemory) {
  RunConfig config;
  config.model = "wrn-10-1";
  config.data = "synthetic:train=64,test=16";
  config.batch = 16;
  const auto session = open_session(config);
  // BatchNorm and ReLU of six places, and more, are in memory only while somebody looks.
  const std::uint64_t one = 16ull * 32 * 32 * 16 * sizeof(float);
  EXPECT_GT(watched_memory(session->model.network, session->model.logits, 16), one);
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
  for (const char* file : {"node_record.csv", "node_histograms.csv", "weight_gradients.csv"}) {
    EXPECT_EQ(file_text(folder / "whole" / file), file_text(folder / "parts" / file)) << file;
    EXPECT_FALSE(file_text(folder / "whole" / file).empty()) << file;
  }
  run_fanin(folder, "train --model plain-4-4 --data synthetic:train=64,test=16 --batch 16 --epochs 1 --run plain");
  EXPECT_FALSE(std::filesystem::exists(folder / "plain/record.csv"));
}

}  // namespace
}  // namespace fanin
