// fanin bench: how fast this machine trains. Comparisons with other systems are ratios of runs side by side
// (tests/bench/against_pytorch.py), never numbers from two days.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/study/bench.h"
#include "apps/study/config.h"
#include "apps/study/memory.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

namespace fanin {

namespace {

void print(const BenchOptions& o, const BenchResult& r, bool json) {
  if (json) {
    const nlohmann::ordered_json line = {{"model", o.model},
                                         {"batch", o.batch},
                                         {"threads", thread_count()},
                                         {"conv", name_of(conv_precision())},
                                         {"mode", o.mode == Mode::train ? "train" : "eval"},
                                         {"images_per_second", r.images_per_second},
                                         {"step_ms_median", r.step_ms_median},
                                         {"gflops", r.gflops},
                                         {"peak_rss_bytes", r.peak_rss_bytes},
                                         {"steps", r.steps}};
    fmt::print("{}\n", line.dump());
    return;
  }
  fmt::print(
      "{} batch {}, {} threads, {}: {:.1f} images/s, median step {:.2f} ms of {}, {:.0f} GFLOP/s, peak memory {}\n",
      o.model, o.batch, thread_count(), o.mode == Mode::train ? "training" : "evaluation", r.images_per_second,
      r.step_ms_median, r.steps, r.gflops, mebibytes(r.peak_rss_bytes));
}

}  // namespace

void add_bench_command(CLI::App& app) {
  struct Options {
    BenchOptions bench;
    int threads = 0;
    std::string conv = RunConfig().conv;
    bool json = false, eval = false;
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("bench", "How fast this machine trains a network, or computes its convolutions");
  command->require_subcommand(1);
  add_bench_conv_command(*command);
  CLI::App* train = command->add_subcommand("train", "Whole training steps on random images");
  train->footer("Example:\n  fanin bench train --model wrn-16-4 --batch 128 --threads 2 --json");
  train->add_option("--model", o->bench.model, "Network: see fanin list models")->capture_default_str();
  train->add_option("--batch", o->bench.batch, "Images per step")->capture_default_str();
  train->add_option("--threads", o->threads, "Threads; 0: all cores")->check(CLI::Range(0, 1024));
  train->add_option("--seconds", o->bench.seconds, "How long to measure")->capture_default_str();
  train->add_option("--conv", o->conv, "Convolutions: exact, fast, bf16x6 or bf16x3")->capture_default_str();
  train->add_flag("--eval", o->eval, "Evaluation: forward only");
  train->add_flag("--json", o->json, "One JSON line");
  train->callback([o] {
    if (o->threads > 0) set_thread_count(o->threads);
    set_conv_precision(parse_conv_precision(o->conv));
    o->bench.mode = o->eval ? Mode::evaluate : Mode::train;
    print(o->bench, bench(o->bench), o->json);
  });
}

}  // namespace fanin
