// fanin bench conv: every product of a network's convolutions by every rung, next to the peak of fused multiply-adds
// measured in the same run.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/study/conv_speed.h"
#include "apps/table.h"
#include "core/check.h"
#include "core/kernels/fma_peak.h"
#include "core/tensor/parallel.h"
#include "core/text.h"
#include "models/catalog.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

namespace fanin {

namespace {

struct Options {
  std::string model = "wrn-16-1", rung;
  int batch = 128, threads = 0;
  double seconds = 0.1;
  bool json = false;
};

// Convolutions of equal geometry. The first of them stands for all: its strides, transforms and epilogues are measured.
struct Distinct {
  ConvJob job;
  int count = 1;
};

std::vector<Distinct> distinct(const NetworkPlan& plan) {
  std::vector<Distinct> result;
  for (const ConvJob& job : plan.convolutions) {
    const auto same = std::find_if(result.begin(), result.end(), [&](const Distinct& d) {
      return d.job.node.conv == job.node.conv && d.job.node.x == job.node.x && d.job.wanted == job.wanted;
    });
    if (same == result.end())
      result.push_back({job});
    else
      ++same->count;
  }
  return result;
}

std::string layer_name(const ConvJob& job) {
  const Conv2d& c = job.node.conv;
  std::string text = fmt::format("{0}x{0} {1}-{2}@{3}x{4}", c.kernel, c.in_channels, c.out_channels, job.node.x.height,
                                 job.node.x.width);
  if (c.stride != 1) text += fmt::format("/{}", c.stride);
  if (c.groups != 1) text += fmt::format(" g{}", c.groups);
  return text;
}

struct Row {
  std::string layer, rung;
  int count;
  bool chosen[3];          // by a training step
  double gflops[3], both;  // 0: does not fit
};

Row measure(const Distinct& d, const ConvCandidate& rung, ConvSpeed& speed, const Options& o) {
  Row row{layer_name(d.job), rung.name, d.count, {}, {}, speed.joint(rung)};
  const Shape x = d.job.node.x.with_images(o.batch);
  for (const ConvProduct p : {ConvProduct::forward, ConvProduct::backward_input, ConvProduct::backward_weights}) {
    if (p == ConvProduct::backward_input && !d.job.wanted) continue;
    row.gflops[static_cast<int>(p)] = speed.product(rung, p);
    row.chosen[static_cast<int>(p)] = &conv2d_candidate(d.job.node.conv, x, p) == &rung;
  }
  return row;
}

// "251 1.07 *": GFLOP/s, in multiples of the peak, and whether a training step runs it.
std::string cell(double gflops, double peak, bool chosen = false) {
  if (gflops == 0.0) return "-";
  return fmt::format("{:.0f} {:.2f}{}", gflops, gflops / peak, chosen ? " *" : "  ");
}

void print(const Options& o, const std::vector<Row>& rows, double before, double after) {
  const double peak = std::max(before, after);
  if (o.json) {
    nlohmann::ordered_json table = nlohmann::ordered_json::array();
    for (const Row& r : rows)
      table.push_back({{"layer", r.layer},
                       {"count", r.count},
                       {"rung", r.rung},
                       {"forward", r.gflops[0]},
                       {"backward_input", r.gflops[1]},
                       {"backward_weights", r.gflops[2]},
                       {"both", r.both}});
    const nlohmann::ordered_json line = {{"model", o.model},
                                         {"batch", o.batch},
                                         {"threads", thread_count()},
                                         {"lanes", vector_lanes()},
                                         {"peak_gflops", peak},
                                         {"peaks", {before, after}},
                                         {"rows", table}};
    fmt::print("{}\n", line.dump());
    return;
  }
  Table table({"layer", ">times", "rung", ">forward", ">backward_input", ">backward_weights", ">both at once"});
  for (const Row& r : rows)
    table.add({r.layer, fmt::format("{}", r.count), r.rung, cell(r.gflops[0], peak, r.chosen[0]),
               cell(r.gflops[1], peak, r.chosen[1]), cell(r.gflops[2], peak, r.chosen[2]), cell(r.both, peak)});
  fmt::print("{}", table.text());
  fmt::print(
      "\n{} at batch {}, {} threads. GFLOP/s of the definition (2 per multiply-add) and the same in multiples of the "
      "peak: "
      "{:.0f} before, {:.0f} after, of fused multiply-adds on vectors of {} floats. With the BatchNorm, ReLU, "
      "statistics, "
      "masks and sums of the network's plan. *: what a training step runs (--conv {}).\n",
      o.model, o.batch, thread_count(), before, after, vector_lanes(),
      name_of(conv_precision()));
}

void run(const Options& o) {
  FANIN_CHECK(o.batch >= 1, usage, "--batch {}; give at least 1", o.batch);
  FANIN_CHECK(o.seconds > 0.0, usage, "--seconds {}; give more than 0", o.seconds);
  std::vector<const ConvCandidate*> rungs;
  std::vector<std::string> names;
  for (const ConvCandidate* c : conv_candidates()) {
    names.emplace_back(c->name);
    if (o.rung.empty() || o.rung == c->name) rungs.push_back(c);
  }
  FANIN_CHECK(!rungs.empty(), usage, "--rung {}: no such convolution; choose from {}{}", o.rung, fmt::join(names, ", "),
              did_you_mean(o.rung, names));
  if (o.threads > 0) set_thread_count(o.threads);
  const Model model = build_model(o.model, {1, 32, 32, 3}, 10);
  const NetworkPlan plan = network_plan(model.network, model.logits, o.batch);
  const double before = fma_peak(0.3);
  std::vector<Row> rows;
  for (const Distinct& d : distinct(plan)) {
    ConvSpeed speed(d.job, o.batch, o.seconds);
    for (const ConvCandidate* rung : rungs)
      if (rung->fits(d.job.node.conv, d.job.node.x, ConvProduct::forward)) rows.push_back(measure(d, *rung, speed, o));
  }
  print(o, rows, before, fma_peak(0.3));
}

}  // namespace

void add_bench_conv_command(CLI::App& bench) {
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* conv = bench.add_subcommand("conv", "The convolutions of a network, product by product, by every rung");
  conv->footer("Example:\n  fanin bench conv --model densenet-bc-40-12 --batch 64 --threads 1 --rung pointwise");
  conv->add_option("--model", o->model, "Network: see fanin list models")->capture_default_str();
  conv->add_option("--batch", o->batch, "Images per step")->capture_default_str();
  conv->add_option("--threads", o->threads, "Threads; 0: all cores")->check(CLI::Range(0, 1024));
  conv->add_option("--rung", o->rung, "Only this one: see fanin kernels --candidates");
  conv->add_option("--seconds", o->seconds, "How long to measure each product")->capture_default_str();
  conv->add_flag("--json", o->json, "One JSON line");
  conv->callback([o] { run(*o); });
}

}  // namespace fanin
