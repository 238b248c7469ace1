// The promises of a run: same bits on any number of threads, exact continuation after any stop, and a folder that is
// its own truth.
// SPDX-License-Identifier: MIT
#include "tests/support/command.h"

#include <fmt/format.h>

#include <cmath>
#include <csignal>
#include <thread>

namespace fanin::test {
namespace {

const std::string kTiny = "train --data synthetic:train=96,test=40 --batch 16 ";
const char* const kFamilies[] = {"wrn-10-1:dropout=0.2", "resnext-11-2x4d:widen=1", "densenet-bc-16-4"};

TEST(TrainCommand, SameWeightsOnAnyNumberOfThreads) {
  const Path folder = scratch_folder();
  for (const char* model : kFamilies) {
    std::string expected;
    for (const int threads : {1, 2, 3, 4, 7}) {
      const std::string run = std::string(model).substr(0, 4) + std::to_string(threads);
      const CommandResult result = run_fanin(folder, kTiny + "--epochs 2 --augment crop,mirror --model " + model +
                                                         " --threads " + std::to_string(threads) + " --run " + run);
      ASSERT_EQ(result.exit_code, 0) << result.output;
      const std::string metrics = metrics_without_times(folder / run);
      if (threads == 1) expected = metrics;
      EXPECT_EQ(metrics, expected) << model << " on " << threads << " threads";
      EXPECT_EQ(file_text(folder / run / "weights.safetensors"),
                file_text(folder / (std::string(model).substr(0, 4) + "1") / "weights.safetensors"));
    }
    EXPECT_EQ(std::count(expected.begin(), expected.end(), '\n'), 3) << "a header and a row per epoch";
  }
}

void expect_same_result(const Path& folder, const Path& whole) {
  EXPECT_EQ(metrics_without_times(folder), metrics_without_times(whole));
  EXPECT_EQ(file_text(folder / "weights.safetensors"), file_text(whole / "weights.safetensors"));
  EXPECT_EQ(file_text(folder / "steps.jsonl"), file_text(whole / "steps.jsonl"));
}

// Kills the run after 20 different times, each time going on from what the last kill left, on changing thread counts.
TEST(TrainCommand, KilledAtAnyTimeItContinuesExactly) {
  const Path folder = scratch_folder();
  const std::string run = kTiny + "--epochs 6 --model wrn-10-1:dropout=0.2 --checkpoint-every 2 ";
  ASSERT_EQ(run_fanin(folder, run + "--threads 2 --run whole").exit_code, 0);
  int kills = 0;
  for (int attempt = 0; attempt < 40; ++attempt) {
    const double seconds = 0.05 + 0.04 * attempt;
    const CommandResult result = run_fanin(folder, run + "--run killed --threads " + std::to_string(1 + attempt % 3),
                                           "timeout --foreground -s KILL " + std::to_string(seconds));
    if (result.exit_code == 0) break;
    ++kills;
  }
  ASSERT_EQ(run_fanin(folder, run + "--run killed").exit_code, 0);
  EXPECT_GE(kills, 1);
  expect_same_result(folder / "killed", folder / "whole");
  for (const std::filesystem::directory_entry& entry : std::filesystem::directory_iterator(folder / "killed"))
    EXPECT_NE(entry.path().extension(), ".tmp") << "a killed process left " << entry.path();
}

TEST(TrainCommand, InterruptedItSavesSaysSoAndContinues) {
  const Path folder = scratch_folder();
  const std::string run = kTiny + "--epochs 15 --model wrn-10-1 ";
  const CommandResult stopped = run_fanin(folder, run + "--run a", "timeout --foreground -s INT 0.4");
  ASSERT_EQ(stopped.exit_code, 124) << stopped.output;  // of timeout; the run itself says 130
  EXPECT_NE(stopped.output.find("goes on from there"), std::string::npos) << stopped.output;
  EXPECT_NE(file_text(folder / "a/status.json").find("interrupted"), std::string::npos);
  ASSERT_EQ(run_fanin(folder, run + "--run a --threads 1").exit_code, 0);
  ASSERT_EQ(run_fanin(folder, run + "--run b --threads 2").exit_code, 0);
  expect_same_result(folder / "a", folder / "b");
}

TEST(TrainCommand, AFinishedRunIsLeftAlone) {
  const Path folder = scratch_folder();
  const std::string run = kTiny + "--epochs 1 --model mlp-1-8 --run a";
  ASSERT_EQ(run_fanin(folder, run).exit_code, 0);
  const std::string before = file_text(folder / "a/last.safetensors");
  const CommandResult again = run_fanin(folder, run);
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_NE(again.output.find("nothing to do"), std::string::npos) << again.output;
  EXPECT_EQ(file_text(folder / "a/last.safetensors"), before);
}

TEST(TrainCommand, OtherSettingsAreRefusedWithTheDifference) {
  const Path folder = scratch_folder();
  ASSERT_EQ(run_fanin(folder, kTiny + "--epochs 1 --model mlp-1-8 --run a").exit_code, 0);
  const CommandResult other = run_fanin(folder, kTiny + "--epochs 2 --lr 0.2 --model mlp-1-8 --run a");
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.output.find("lr: 0.1 -> 0.2"), std::string::npos) << other.output;
  EXPECT_NE(other.output.find("epochs: 1 -> 2"), std::string::npos) << other.output;
}

TEST(TrainCommand, ALockedFolderIsBusy) {
  const Path folder = scratch_folder();
  std::filesystem::create_directories(folder / "a");
  const CommandResult result = run_fanin(folder, kTiny + "--model mlp-1-8 --run a", "flock a/.lock");
  EXPECT_EQ(result.exit_code, 7) << result.output;
  EXPECT_NE(result.output.find("another process"), std::string::npos) << result.output;
}

TEST(TrainCommand, ADivergedRunIsAResultWithStepAndNode) {
  const Path folder = scratch_folder();
  const std::string run = kTiny + "--epochs 3 --model plain-8-8 --scheme normal:std=100 --lr 1 --run a";
  const CommandResult result = run_fanin(folder, run);
  EXPECT_EQ(result.exit_code, 8) << result.output;
  const std::string status = file_text(folder / "a/status.json");
  EXPECT_NE(status.find("\"diverged\""), std::string::npos) << status;
  EXPECT_NE(status.find("step"), std::string::npos);
  EXPECT_EQ(status.find("\"node\": \"\""), std::string::npos) << status;
  EXPECT_EQ(run_fanin(folder, run).exit_code, 8) << "asked again it says the same";
}

TEST(TrainCommand, EveryFileOfARunIsThere) {
  const Path folder = scratch_folder();
  ASSERT_EQ(run_fanin(folder, kTiny + "--epochs 2 --validation 32 --model mlp-1-8 --run a").exit_code, 0);
  for (const char* name : {"config.toml", "status.json", "metrics.csv", "steps.jsonl", "last.safetensors",
                           "init.safetensors", "weights.safetensors", "best.safetensors", "env.json"})
    EXPECT_TRUE(std::filesystem::exists(folder / "a" / name)) << name;
  const std::string metrics = file_text(folder / "a/metrics.csv");
  EXPECT_EQ(metrics.substr(0, metrics.find('\n')),
            "epoch,train_loss,train_accuracy,test_loss,test_accuracy,lr,seconds,images_per_second,weights_hash");
  const CommandResult from_config = run_fanin(folder, "train --config a/config.toml --run b");
  EXPECT_EQ(from_config.exit_code, 0) << from_config.output;
  EXPECT_EQ(metrics_without_times(folder / "b"), metrics_without_times(folder / "a"))
      << "the saved configuration is the effective one";
}

// Gradients are kept where something needs them all: the same weights, with a norm that none exceeds.
TEST(TrainCommand, ClippingAndInitializersGetAllGradients) {
  const Path folder = scratch_folder();
  const std::string run = kTiny + "--epochs 1 --model wrn-10-1 ";
  ASSERT_EQ(run_fanin(folder, run + "--run plain").exit_code, 0);
  const CommandResult clipped = run_fanin(folder, run + "--clip-norm 1e9 --run clipped");
  ASSERT_EQ(clipped.exit_code, 0) << clipped.output;
  EXPECT_EQ(metrics_without_times(folder / "clipped"), metrics_without_times(folder / "plain"));
  const CommandResult step = run_fanin(folder, kTiny + "--epochs 1 --model mlp-1-8 --scheme gradinit --run gradinit");
  EXPECT_EQ(step.exit_code, 0) << step.output;
}

TEST(TrainCommand, OneLinePerEpochInAPipe) {
  const Path folder = scratch_folder();
  const CommandResult result = run_fanin(folder, kTiny + "--epochs 3 --model mlp-1-8 --run a");
  EXPECT_EQ(result.output.find('\r'), std::string::npos);
  EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 4) << result.output;
}

// How long steps waited for images: in the line of the epoch, in status.json and in log.txt.
TEST(TrainCommand, TellsHowLongItWaitedForImages) {
  const Path folder = scratch_folder();
  const CommandResult result = run_fanin(folder, kTiny + "--epochs 1 --model wrn-10-1 --run a");
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const std::string status = file_text(folder / "a/status.json"), key = "\"waited\": ";
  ASSERT_NE(status.find(key), std::string::npos) << status;
  const double waited = std::stod(status.substr(status.find(key) + key.size()));
  EXPECT_GE(waited, 0.0);
  EXPECT_LE(waited, 1.0);
  const std::string log = file_text(folder / "a/log.txt");
  EXPECT_NE(log.find(fmt::format("{:.2f} % of the time waiting for images", 100.0 * waited)), std::string::npos) << log;
  EXPECT_NE(result.output.find(fmt::format("{:.1f} % waiting", 100.0 * waited)), std::string::npos) << result.output;
}

TEST(TrainCommand, EvalAndPredictReadTheRun) {
  const Path folder = scratch_folder();
  ASSERT_EQ(run_fanin(folder, kTiny + "--epochs 1 --model wrn-10-1 --run a").exit_code, 0);
  const CommandResult eval = run_fanin(folder, "eval a --confusion");
  EXPECT_EQ(eval.exit_code, 0) << eval.output;
  std::istringstream metrics(file_text(folder / "a/metrics.csv"));
  std::string header, row, field;
  std::getline(metrics, header);
  std::getline(metrics, row);
  std::istringstream fields(row);
  for (int i = 0; i < 5; ++i) std::getline(fields, field, ',');
  char accuracy[32];
  std::snprintf(accuracy, sizeof(accuracy), "accuracy %.2f %%", 100.0 * std::stod(field));
  EXPECT_NE(eval.output.find(accuracy), std::string::npos) << accuracy << " not in\n" << eval.output;
}

}  // namespace
}  // namespace fanin::test
