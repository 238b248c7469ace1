// SPDX-License-Identifier: MIT
#include "apps/comparison_work.h"

#include "apps/sparkline.h"
#include "apps/study/overview.h"
#include "apps/study/report.h"
#include "apps/study/report_curves.h"
#include "apps/study/tuning.h"
#include "apps/table.h"
#include "core/check.h"
#include "core/rng.h"
#include "core/tensor/parallel.h"
#include "core/text.h"
#include "data/cache.h"
#include "data/catalog.h"

#include <fmt/format.h>

#include <algorithm>

namespace fanin {

namespace {

// Every run is a process of its own; an archive or folder is read once for all of them and kept in the comparison. The
// name of the copy tells sources apart: with other data the same --out is refused by its runs, not served the old copy.
std::string data_for_all_runs(const std::string& data, const io::Path& out) {
  if (!needs_import(data)) return data;
  const std::string source = fmt::format("{} {}", std::filesystem::canonical(data).string(),
                                         std::filesystem::last_write_time(data).time_since_epoch().count());
  const io::Path cache = out / fmt::format("data-{:08x}.fanin", hash_bytes(source.data(), source.size()) & 0xffffffff);
  if (std::filesystem::exists(cache)) {
    fmt::print("data: {}, read from {} before\n", cache.string(), data);
    return cache.string();
  }
  fmt::print("data: reading {} into {}\n", data, cache.string());
  std::fflush(stdout);
  io::create_folders(out);
  write_cache(cache, open_dataset(data));
  return cache.string();
}

// The ranking, and the median test accuracy of each epoch as a row of bars.
void print_ranking(const ModelRanking& ranking) {
  fmt::print("\n{}\n", ranking_table(ranking));
  Table table({"scheme", ">final %", "test accuracy by epoch, from 0 to the best"});
  const Plot plot = epoch_plot(ranking, {});
  double best = 0.0;
  for (const PlotSeries& s : plot.series)
    for (const double v : s.y) best = std::max(best, v);
  for (const PlotSeries& s : plot.series) {
    std::vector<double> bars = s.y;
    bars.push_back(best);  // the same scale for all
    std::string text = sparkline(bars);
    text.erase(text.size() - std::string(best > 0.0 ? "█" : " ").size());
    table.add({s.key(), s.y.empty() ? "" : fmt::format("{:.2f}", s.y.back()), "[" + text + "]"});
  }
  fmt::print("{}", table.text());
}

// Runs what is not finished yet. The base's threads are of the runs; those of this process only probe.
WorkResult run_all(const Comparison& c, const io::Path& out, const WorkOptions& options, const char* what) {
  const std::vector<PlannedRun> runs = planned_runs(c, out);
  for (const PlannedRun& run : runs) check_same_config(run.config, run.folder);  // before anything is replaced
  save(c, out);
  Comparison probed = c;
  probed.base.threads = std::max(1, thread_count());
  probe_all(probed, out);
  fmt::print("{}: {} runs: {} schemes x {} networks x {} seeds x {} learning rates, {} at a time, in {}\n", what,
             runs.size(), c.schemes.size(), c.models.size(), c.seeds.size(), c.tuned.empty() ? c.rates.size() : 1,
             options.jobs, out.string());
  std::fflush(stdout);
  return execute(runs, out, options, stop_signal);
}

void print_tuned(const Comparison& c) {
  Table table({"network", "scheme", ">learning rate", ""});
  for (const TunedRate& t : c.tuned)
    table.add(
        {t.model, t.scheme, fmt::format("{}", t.rate), at_edge(c, t.rate) ? "at the edge of what was tried" : ""});
  fmt::print("{}\n", table.text());
}

int stopped() {
  fmt::print("stopped; the same command goes on from there\n");
  return kExitSignalBase + stop_signal.load();
}

}  // namespace

void Workers::add(CLI::App& command) {
  command.add_option("--jobs", jobs, "Runs at a time; 0: one per core. Threads are shared out among them")
      ->group("Machine");
}

std::string command_of(const Comparison& c) {
  std::string text = "fanin compare";
  for (const std::string& s : c.schemes) text += " --scheme " + shell_word(s);
  for (const std::string& m : c.models) text += " --model " + shell_word(m);
  text += fmt::format(" --seed-list {} --{} {}", fmt::join(c.seeds, ","), c.tuning_seeds > 0 ? "tune" : "lrs",
                      fmt::join(c.rates, ","));
  if (c.tuning_seeds > 0) text += fmt::format(" --tune-seeds {} --tune-images {}", c.tuning_seeds, c.tuning_images);
  for (const std::string& p : c.published) text += " --published " + shell_word(p);
  if (c.target > 0.0) text += fmt::format(" --target {}", c.target);
  RunConfig shared = c.base;
  const RunConfig defaults;
  shared.model = defaults.model;
  shared.scheme = defaults.scheme;
  shared.seed = defaults.seed;
  shared.lr = defaults.lr;
  shared.threads = defaults.threads;
  const std::string rest = command_line(shared);
  return rest.empty() ? text : text + " " + rest;
}

void print_results(const std::vector<ModelRanking>& rankings, const io::Path& out) {
  for (const ModelRanking& ranking : rankings) print_ranking(ranking);
  if (rankings.size() > 1) {
    Table table(overview_head());
    for (const std::vector<std::string>& row : overview_rows(rankings)) table.add(row);
    fmt::print("\nAll networks\n{}{}\n", table.text(), overview_sentence(rankings));
  }
  fmt::print("\nreport: {}\n", std::filesystem::absolute(out / "report.html").string());
}

int run_comparison(Comparison c, const io::Path& out, const CommandContext& context, const Workers& workers,
                   Language language) {
  const int cores = std::max(1, thread_count()), jobs = workers.jobs > 0 ? workers.jobs : cores;
  const WorkOptions options{.executable = context.executable,
                            .jobs = jobs,
                            .threads = workers.threads > 0 ? workers.threads : std::max(1, cores / jobs)};
  check(c);
  c.command = command_of(c);
  c.base.data = data_for_all_runs(c.base.data, out);
  catch_stop_signals();
  if (c.tuning_seeds > 0) {
    const Comparison tuning = tuning_comparison(c);
    const WorkResult result = run_all(tuning, tuning_folder(out), options, "tuning");
    if (result.interrupted) return stopped();
    FANIN_CHECK(result.failed == 0, input, "{} runs that choose learning rates failed; see their console.txt below {}",
                result.failed, tuning_folder(out).string());
    c.tuned = choose_rates(write_results(tuning, tuning_folder(out), language));
    print_tuned(c);
  }
  const WorkResult result = run_all(c, out, options, "comparison");
  print_results(write_results(c, out, language), out);
  if (result.interrupted) return stopped();
  return result.failed > 0 ? 1 : 0;
}

}  // namespace fanin
