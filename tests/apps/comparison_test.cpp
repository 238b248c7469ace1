// A whole comparison through the program: it ranks, repeats nothing, goes on after an interruption, and its page is
// inert.
// SPDX-License-Identifier: MIT
#include "apps/study/comparison.h"
#include "apps/study/metrics.h"
#include "apps/study/probe.h"
#include "apps/study/ranking.h"
#include "apps/study/report.h"
#include "apps/study/report_text.h"
#include "core/check.h"
#include "data/image_file.h"
#include "tests/support/command.h"
#include "tests/support/html.h"

#include <cmath>

namespace fanin {
namespace {

using test::file_text;
using test::Path;
using test::run_fanin;

const std::string kCompare =
    "compare --schemes kaiming_normal,zeros --model plain-4-8 --model 'wrn-10-1:norm=none' --seeds 3 --data "
    "synthetic:train=320,test=100 --batch 16 --epochs 3 "
    "--optimizer adam --lr 0.003 --augment none --out out ";

TEST(Compare, RanksZerosLastAndRepeatsNothing) {
  const Path folder = test::scratch_folder();
  const test::CommandResult first = run_fanin(folder, kCompare);
  ASSERT_EQ(first.exit_code, 0) << first.output;
  EXPECT_NE(first.output.find("report: "), std::string::npos) << first.output;
  const std::string csv = file_text(folder / "out/ranking.csv");
  const std::size_t best = csv.find("plain-4-8,kaiming_normal"), worst = csv.find("plain-4-8,zeros");
  ASSERT_NE(best, std::string::npos) << csv;
  EXPECT_LT(best, worst) << csv;
  EXPECT_NE(first.output.find("best"), std::string::npos);

  const std::string metrics = file_text(folder / "out/plain-4-8/zeros/s1/metrics.csv");
  const test::CommandResult again = run_fanin(folder, kCompare);
  EXPECT_EQ(again.exit_code, 0) << again.output;
  EXPECT_NE(again.output.find("12 of 12 runs are finished already"), std::string::npos) << again.output;
  EXPECT_EQ(file_text(folder / "out/plain-4-8/zeros/s1/metrics.csv"), metrics)
      << "times included: the run was not repeated";
  EXPECT_EQ(file_text(folder / "out/ranking.csv"), csv);

  EXPECT_NE(first.output.find("All networks"), std::string::npos) << first.output;
  EXPECT_EQ(file_text(folder / "out/overview.svg").find("<svg xmlns=\"http://www.w3.org/2000/svg\""), 0u);
  EXPECT_EQ(file_text(folder / "out/ranking.md").find("### All networks"), 0u);

  const std::string page = file_text(folder / "out/report.html");
  std::filesystem::remove(folder / "out/report.html");
  ASSERT_EQ(run_fanin(folder, "report out").exit_code, 0);
  EXPECT_EQ(file_text(folder / "out/report.html").size(), page.size()) << "rebuilt from the folders alone";
  for (const char* part : {"The signal at birth", "The first steps", "Ranking", "The command that made this page",
                           "data-band=\"quartiles\"", "fanin compare --scheme kaiming_normal --scheme zeros"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
}

TEST(Compare, InterruptedItGoesOn) {
  const Path folder = test::scratch_folder();
  const test::CommandResult stopped = run_fanin(folder, kCompare + "--jobs 2", "timeout --foreground -s INT 1");
  EXPECT_EQ(stopped.exit_code, 124) << stopped.output;
  EXPECT_NE(stopped.output.find("goes on from there"), std::string::npos) << stopped.output;
  const test::CommandResult rest = run_fanin(folder, kCompare + "--jobs 1");
  EXPECT_EQ(rest.exit_code, 0) << rest.output;
  const Path whole = folder / "uninterrupted";
  std::filesystem::create_directories(whole);
  ASSERT_EQ(run_fanin(whole, kCompare + "--jobs 2").exit_code, 0);
  std::size_t compared = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(whole / "out")) {
    if (entry.path().filename() != "weights.safetensors") continue;
    EXPECT_EQ(file_text(entry.path()), file_text(folder / std::filesystem::relative(entry.path(), whole)))
        << entry.path();
    ++compared;
  }
  EXPECT_EQ(compared, 12u);  // 2 schemes x 2 models x 3 seeds
}

// A worker whose comparison is gone saves and ends, so that nothing keeps its folder locked.
TEST(Compare, WorkersEndWithTheirComparison) {
  const Path folder = test::scratch_folder();
  const test::CommandResult result = run_fanin(
      folder, "train --model mlp-1-8 --data synthetic:train=64,test=32 --batch 16 --epochs 1000 --run r --parent 1");
  EXPECT_EQ(result.exit_code, 143) << result.output;
}

TEST(Compare, AFailingRunDoesNotStopTheOthers) {
  const Path folder = test::scratch_folder();
  test::write_file(folder / "out/mlp-1-8/zeros/s1/letter.txt", "not a run");
  const test::CommandResult result = run_fanin(folder,
                                               "compare --schemes kaiming_normal,zeros --models mlp-1-8 --seeds 1 "
                                               "--data synthetic:train=64,test=32 --batch 16 --epochs 1 --out out");
  EXPECT_EQ(result.exit_code, 1) << result.output;
  EXPECT_NE(result.output.find("failed (exit code 2)"), std::string::npos) << result.output;
  EXPECT_TRUE(std::filesystem::exists(folder / "out/mlp-1-8/kaiming_normal/s1/weights.safetensors"));
  EXPECT_EQ(file_text(folder / "out/mlp-1-8/zeros/s1/letter.txt"), "not a run");
}

// A folder is read once; a comparison that exists is not mixed with results on other data.
TEST(Compare, KeepsOneCopyOfTheDataAndRefusesOtherData) {
  const Path folder = test::scratch_folder();
  for (const char* name : {"first", "second"})
    for (const char* label : {"cat", "dog"})
      for (int i = 0; i < 12; ++i) {
        const std::vector<std::uint8_t> pixels(32 * 32 * 3, static_cast<std::uint8_t>(name[0] + label[0] + i));
        const std::vector<std::byte> png = encode_png(pixels, 32, 32);
        test::write_file(folder / name / label / (std::to_string(i) + ".png"),
                         {reinterpret_cast<const char*>(png.data()), png.size()});
      }
  const std::string compare =
      "compare --schemes kaiming_normal,zeros --models mlp-1-8 --seeds 1 --batch 4 --epochs 1 --augment none --out "
      "out ";
  const test::CommandResult first = run_fanin(folder, compare + "--data first");
  ASSERT_EQ(first.exit_code, 0) << first.output;
  EXPECT_NE(first.output.find("data: reading first into"), std::string::npos) << first.output;
  EXPECT_NE(first.output.find("mlp-1-8/zeros/s1 "), std::string::npos) << first.output;
  const test::CommandResult again = run_fanin(folder, compare + "--data first");
  EXPECT_EQ(again.exit_code, 0) << again.output;
  EXPECT_NE(again.output.find("read from first before"), std::string::npos) << again.output;
  const test::CommandResult other = run_fanin(folder, compare + "--data second");
  EXPECT_EQ(other.exit_code, 2) << other.output;
  EXPECT_NE(other.output.find("other settings (data: "), std::string::npos) << other.output;
}

TEST(Compare, BadRequests) {
  const Path folder = test::scratch_folder();
  EXPECT_EQ(run_fanin(folder, "compare --schemes zeros,zeros").exit_code, 2);
  EXPECT_EQ(run_fanin(folder, "compare --schemes zreos").exit_code, 2);
  EXPECT_EQ(run_fanin(folder, "compare --seeds 0").exit_code, 2);
  EXPECT_EQ(run_fanin(folder, "compare --lrs fast").exit_code, 2);
  EXPECT_EQ(run_fanin(folder, "report .").exit_code, 3);
}

// Planned runs of one seed differ in nothing but scheme, model and rate: order and augmentation depend on the seed
// alone.
TEST(Compare, RunsOfASeedArePaired) {
  Comparison c;
  c.schemes = {"zeros", "ones"};
  c.models = {"mlp-1-8"};
  c.seeds = {1, 2};
  c.rates = {0.1, 0.2};
  const std::vector<PlannedRun> runs = planned_runs(c, "out");
  ASSERT_EQ(runs.size(), 8u);
  for (const PlannedRun& run : runs) {
    RunConfig same = run.config;
    same.scheme = runs[0].config.scheme;
    same.lr = runs[0].config.lr;
    same.seed = runs[0].config.seed;
    EXPECT_EQ(difference(same, runs[0].config), "");
  }
}

EpochRow row_of(int epoch, double accuracy) {
  EpochRow row;
  row.epoch = epoch;
  row.test_accuracy = accuracy;
  return row;
}

void write_run(const Path& folder, const RunConfig& config, const char* state, const std::vector<double>& accuracies) {
  std::vector<EpochRow> rows;
  for (const double a : accuracies) rows.push_back(row_of(static_cast<int>(rows.size()) + 1, a));
  test::write_file(folder / "config.toml", to_toml(config));
  test::write_file(folder / "metrics.csv", metrics_csv(rows));
  test::write_file(folder / "status.json", std::string("{\"state\":\"") + state +
                                               "\",\"epoch\":2,\"step\":9,\"reason\":\"<script>\",\"node\":\"conv0\"}");
}

// Worked out by hand: three seeds, scheme b two points worse each time, scheme c diverges once.
TEST(Ranking, ByHand) {
  const Path out = test::scratch_folder();
  Comparison c;
  c.schemes = {"a</script><img onerror=x>", "b", "=c"};
  c.models = {"m"};
  c.seeds = {1, 2, 3};
  c.rates = {0.1};
  c.target = 0.5;
  for (const PlannedRun& run : planned_runs(c, out)) {
    const double seed = static_cast<double>(run.config.seed);
    if (run.config.scheme[0] == 'a') write_run(run.folder, run.config, "done", {0.5, 0.6 + 0.01 * seed});
    if (run.config.scheme == "b") write_run(run.folder, run.config, "done", {0.4, 0.58 + 0.01 * seed});
    if (run.config.scheme == "=c")
      write_run(run.folder, run.config, run.config.seed == 2 ? "diverged" : "done", {0.3, 0.3});
  }
  const SignalProfile profile{
      .model = "m", .scheme = "b", .images = 1, .classes = 10, .loss = 2.3, .nodes = {}, .weights = {}};
  test::write_file(scheme_folder(out, "m", "b") / "signal.json", to_json(profile));
  const std::vector<ModelRanking> rankings = rank(c, out);
  ASSERT_EQ(rankings.size(), 1u);
  const std::vector<RankingRow>& rows = rankings[0].rows;
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].verdict, "best");
  EXPECT_DOUBLE_EQ(rows[0].final_accuracy.median, 0.62);
  EXPECT_DOUBLE_EQ(*rows[0].epochs_to_target, 1.0);
  EXPECT_EQ(rows[1].scheme, "b");
  EXPECT_NEAR(*rows[1].difference, -0.02, 1e-12);
  EXPECT_EQ(rows[1].verdict, "worse") << "all three pairs differ by the same";
  EXPECT_DOUBLE_EQ(*rows[1].epochs_to_target, 2.0);
  EXPECT_EQ(rows[2].diverged, 1);
  EXPECT_EQ(rows[2].seeds.size(), 3u) << "a diverged run is counted, not dropped";
  EXPECT_DOUBLE_EQ(rows[2].seeds[1].final_accuracy, 0.1) << "at chance";
  EXPECT_FALSE(rows[2].epochs_to_target);

  const std::string csv = ranking_csv(rankings);
  EXPECT_NE(csv.find("m,'=c,"), std::string::npos) << "no formula for a spreadsheet: " << csv;
  const std::string page = report_html(c, rankings, out);
  test::expect_self_contained(page);
  EXPECT_TRUE(test::tags_of(page, "img").empty());
  EXPECT_NE(page.find("a&lt;/script&gt;"), std::string::npos);
  EXPECT_NE(page.find("62.00"), std::string::npos);
  EXPECT_NE(page.find("seed 2"), std::string::npos) << "the diverged run is named";

  const std::string chinese = report_html(c, rankings, out, Language::zh);
  test::expect_self_contained(chinese);
  for (const Text& text : {kReportTitle, kSignalAtBirth, kWhatSignalSays, kValues, kGradients, kWeightedLayers,
                           kAsTable, kPromises, kTraining, kFirstSteps, kBatchLossMedian, kTestAccuracy, kRanking,
                           kEpochsToTarget, kDifference, kPoints, kDivergedRuns, kSharedSettings, kWhereMade}) {
    EXPECT_NE(page.find(text.en), std::string::npos) << text.en;
    EXPECT_NE(chinese.find(text.zh), std::string::npos) << text.en;
    EXPECT_EQ(chinese.find(">" + std::string(text.en) + "<"), std::string::npos) << text.en;
  }
  EXPECT_NE(chinese.find(">更差<"), std::string::npos) << "the verdict";
  EXPECT_NE(chinese.find("--lang zh"), std::string::npos) << "the command";
}

TEST(Ranking, NoDifferenceFoundWhereTheIntervalCoversZero) {
  const Path out = test::scratch_folder();
  Comparison c;
  c.schemes = {"a", "b"};
  c.models = {"m"};
  c.seeds = {1, 2, 3};
  c.rates = {0.1};
  for (const PlannedRun& run : planned_runs(c, out)) {
    const double noise = run.config.scheme == "b" ? (run.config.seed == 2 ? 0.03 : -0.02) : 0.0;
    write_run(run.folder, run.config, "done", {0.6 + noise});
  }
  const std::vector<RankingRow> rows = rank(c, out)[0].rows;
  EXPECT_EQ(rows[1].verdict, "no difference found");
  ASSERT_TRUE(rows[1].interval);
  EXPECT_TRUE(rows[1].interval->contains(0.0));
}

TEST(Probe, MeasuresWhatIsThere) {
  RunConfig config;
  config.model = "mlp-2-64";
  config.data = "synthetic:train=64,test=32";
  config.batch = 64;
  config.augment = "none";
  config.scheme = "conv?=zeros;linear=kaiming_normal";
  const std::unique_ptr<Session> session = open_session(config);
  const SignalProfile p = probe(*session);
  EXPECT_EQ(p.images, 64);
  const auto node = [&](const std::string& name) {
    for (const NodeSignal& n : p.nodes)
      if (n.node == name) return n;
    ADD_FAILURE() << name;
    return NodeSignal{};
  };
  EXPECT_NEAR(node("input").value_mean, 0.0, 0.2) << "normalized images";
  EXPECT_NEAR(node("input").value_std, 1.0, 0.2);
  EXPECT_GT(node("act0").zeros, 0.2) << "a ReLU's output";
  EXPECT_EQ(node("fc0").zeros, 0.0);
  EXPECT_GT(node("fc0").gradient_std, 0.0);
  for (const WeightSignal& w : p.weights) {
    ASSERT_TRUE(w.promised_std);
    const double n = w.fan_in * w.fan_out;  // 5 standard errors of a standard deviation from n normal draws
    EXPECT_NEAR(w.measured_std / *w.promised_std, 1.0, 5.0 / std::sqrt(2.0 * n)) << w.parameter;
  }
  const SignalProfile again = profile_from_json(to_json(p), "test");
  ASSERT_EQ(again.nodes.size(), p.nodes.size());
  EXPECT_EQ(again.nodes[1].value_std, p.nodes[1].value_std);
  EXPECT_EQ(to_json(again), to_json(p));
  EXPECT_THROW(profile_from_json("{}", "test"), Error);
}

}  // namespace
}  // namespace fanin
