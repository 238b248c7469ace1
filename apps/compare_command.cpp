// fanin compare: schemes over paired seeds. fanin demo: a comparison that teaches, in three minutes. fanin report:
// rebuilds the page.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/setting_options.h"
#include "apps/sparkline.h"
#include "apps/study/report.h"
#include "apps/study/report_curves.h"
#include "apps/study/scheme_file.h"
#include "apps/table.h"
#include "core/check.h"
#include "core/rng.h"
#include "core/tensor/parallel.h"
#include "core/text.h"
#include "data/cache.h"
#include "data/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace fanin {

namespace {

// What was typed, so that the report can say how to repeat it. Recomputed from the values: no path of this machine gets
// in but the data's.
std::string command_of(const Comparison& c) {
  std::string text = "fanin compare";
  for (const std::string& s : c.schemes) text += " --scheme " + shell_word(s);
  for (const std::string& m : c.models) text += " --model " + shell_word(m);
  text += fmt::format(" --seed-list {} --lrs {}", fmt::join(c.seeds, ","), fmt::join(c.rates, ","));
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

struct Workers {
  int jobs = 0;
  void add(CLI::App& command) {
    command.add_option("--jobs", jobs, "Runs at a time; 0: one per core. Threads are shared out among them")
        ->group("Machine");
  }
};

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

int run_comparison(Comparison c, const io::Path& out, const CommandContext& context, const Workers& workers,
                   int threads) {
  const int cores = std::max(1, thread_count()), jobs = workers.jobs > 0 ? workers.jobs : cores;
  check(c);
  c.command = command_of(c);
  c.base.data = data_for_all_runs(c.base.data, out);
  const std::vector<PlannedRun> runs = planned_runs(c, out);
  for (const PlannedRun& run : runs) check_same_config(run.config, run.folder);  // before anything is replaced
  save(c, out);
  catch_stop_signals();
  c.base.threads = cores;
  probe_all(c, out);
  fmt::print("{} runs: {} schemes x {} networks x {} seeds x {} learning rates, {} at a time, in {}\n", runs.size(),
             c.schemes.size(), c.models.size(), c.seeds.size(), c.rates.size(), jobs, out.string());
  std::fflush(stdout);
  const WorkOptions options{
      .executable = context.executable, .jobs = jobs, .threads = threads > 0 ? threads : std::max(1, cores / jobs)};
  const WorkResult result = execute(runs, out, options, stop_signal);
  c.base.threads = 0;
  for (const ModelRanking& ranking : write_results(c, out)) print_ranking(ranking);
  fmt::print("\nreport: {}\n", std::filesystem::absolute(out / "report.html").string());
  if (result.interrupted) {
    fmt::print("stopped; the same command goes on from there\n");
    return kExitSignalBase + stop_signal.load();
  }
  return result.failed > 0 ? 1 : 0;
}

std::vector<std::string> words_of(const std::string& list, std::vector<std::string> given) {
  for (const std::string_view part : split(list, ',')) given.emplace_back(trim(part));
  return given;
}

template <class T>
std::vector<T> numbers_of(const std::string& list, const char* flag) {
  std::vector<T> result;
  for (const std::string_view part : split(list, ',')) {
    const std::optional<double> value = parse_number(trim(part));
    FANIN_CHECK(value && *value >= 0.0 && static_cast<double>(static_cast<T>(*value)) == *value, usage,
                "{} '{}' must be numbers separated by commas", flag, list);
    result.push_back(static_cast<T>(*value));
  }
  return result;
}

}  // namespace

void add_compare_command(CLI::App& app, CommandContext& context) {
  struct Options {
    SettingOptions settings;
    std::vector<std::string> schemes, models, published;
    std::string scheme_list, model_list, seed_list, rate_list, out;
    int seeds = 3;
    double target = 0.0;
    Workers workers;
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("compare", "Compare schemes: networks x schemes x paired seeds, with intervals and a report");
  command->footer(
      "Examples:\n"
      "  fanin compare --schemes kaiming_normal,xavier_uniform,orthogonal --models plain-20-8,wrn-10-1 --epochs 5\n"
      "  fanin compare --scheme kaiming_normal:mode=fan_out --scheme 'conv=dirac;linear=torch_default' --seeds 5 "
      "--data cifar10.fanin\n"
      "Runs of one seed share data order and augmentation. The same command continues what is unfinished and repeats "
      "nothing.");
  command->add_option("--scheme", o->schemes, "A scheme, or @FILE with rules; give it once for each")
      ->group("What")
      ->take_all()
      ->expected(1);
  command->add_option("--schemes", o->scheme_list, "Several schemes without options, separated by commas")
      ->group("What");
  command->add_option("--model", o->models, "A network; give it once for each")->group("What")->take_all()->expected(1);
  command->add_option("--models", o->model_list, "Several networks without options, separated by commas")
      ->group("What");
  command->add_option("--seeds", o->seeds, "How many paired seeds: 1, 2, ...")->group("What")->capture_default_str();
  command->add_option("--seed-list", o->seed_list, "These seeds instead, separated by commas")->group("What");
  command->add_option("--lrs", o->rate_list, "Learning rates, separated by commas")->group("What");
  command
      ->add_option("--target", o->target, "Accuracy for 'epochs to target', 0 to 1; 0: 90 % of the best final median")
      ->group("What");
  command->add_option("--published", o->published, "Draw a published curve behind: see fanin recipe show")
      ->group("What")
      ->take_all()
      ->expected(1);
  command->add_option("--out", o->out, "Folder of the comparison; default runs/compare-<hash>")->group("What");
  o->workers.add(*command);
  o->settings.add(*command, {"model", "scheme", "seed"});
  command->callback([o, &context] {
    Comparison c;
    c.base = o->settings.resolve();
    c.schemes = words_of(o->scheme_list, o->schemes);
    for (std::string& scheme : c.schemes) scheme = scheme_text(scheme, "--scheme");
    c.models = words_of(o->model_list, o->models);
    if (c.schemes.empty())
      c.schemes = {"kaiming_normal", "xavier_uniform", "orthogonal", "torch_default", "normal:std=0.01"};
    if (c.models.empty()) c.models = {c.base.model};
    c.rates = o->rate_list.empty() ? std::vector<double>{c.base.lr} : numbers_of<double>(o->rate_list, "--lrs");
    FANIN_CHECK(o->seeds >= 1 && o->seeds <= 1000, usage, "--seeds {}; give 1 to 1000", o->seeds);
    for (int s = 1; s <= o->seeds; ++s) c.seeds.push_back(static_cast<std::uint64_t>(s));
    if (!o->seed_list.empty()) c.seeds = numbers_of<std::uint64_t>(o->seed_list, "--seed-list");
    c.target = o->target;
    c.published = o->published;
    const int threads = c.base.threads;
    c.base.threads = 0;
    io::Path out = o->out;
    if (out.empty()) {
      const std::string command_text = command_of(c);
      out = fmt::format("runs/compare-{:08x}", hash_bytes(command_text.data(), command_text.size()) & 0xffffffff);
    }
    context.exit_code = run_comparison(std::move(c), out, context, o->workers, threads);
  });
}

void add_demo_command(CLI::App& app, CommandContext& context) {
  struct Options {
    std::string data = "synthetic", out = "runs/demo";
    Workers workers;
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "demo", "Five schemes, three seeds, a deep plain network and a small WRN: three minutes on two cores");
  command->add_option("--data", o->data, "Another data set than the built-in one: a cache, an archive or a folder")
      ->capture_default_str();
  command->add_option("--out", o->out, "Folder of the results")->capture_default_str();
  o->workers.add(*command);
  command->callback([o, &context] {
    Comparison c;
    c.schemes = {"kaiming_normal", "xavier_uniform", "orthogonal:gain=1.4142", "torch_default", "normal:std=0.01"};
    c.models = {"plain-14-8", "wrn-10-1"};
    c.seeds = {1, 2, 3};
    c.base.data = o->data;
    c.base.epochs = 7;
    c.base.batch = 32;
    c.base.optimizer = "adam";
    c.base.lr = 0.002;
    c.base.warmup = 1.0;
    c.base.augment = "none";
    c.base.train_size = c.base.test_size = 1000;
    c.rates = {c.base.lr};
    context.exit_code = run_comparison(std::move(c), o->out, context, o->workers, 0);
  });
}

void add_report_command(CLI::App& app) {
  const std::shared_ptr<std::string> out = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("report", "Rebuild ranking and report.html of a comparison from its run folders");
  command->add_option("folder", *out, "The --out folder of fanin compare")->required();
  command->callback([out] {
    const Comparison c = load_comparison(*out);
    for (const ModelRanking& ranking : write_results(c, *out)) print_ranking(ranking);
    fmt::print("\nreport: {}\n", std::filesystem::absolute(io::Path(*out) / "report.html").string());
  });
}

}  // namespace fanin
