// fanin kernels: which kernel, tile and fusion serve each node of a network, and how fast that is here.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/model_options.h"
#include "apps/study/config.h"
#include "apps/study/conv_speed.h"
#include "apps/study/memory.h"
#include "apps/study/session.h"
#include "apps/table.h"
#include "core/check.h"
#include "core/kernels/fma_peak.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

namespace fanin {

namespace {

struct Options {
  ModelChoice model;
  int batch = 128, threads = 0;
  double seconds = 0.03;
  std::string conv = RunConfig().conv;
  bool json = false, candidates = false;
};

constexpr ConvProduct kProducts[] = {ConvProduct::forward, ConvProduct::backward_input, ConvProduct::backward_weights};
constexpr const char* kProductNames[] = {"forward", "backward_input", "backward_weights"};

// A product of a node: nothing is measured twice, and equal calls are equal rows.
struct Served {
  std::string product, kernel, tile, fusion;
  double gflops = 0.0;
};

class Prober {
 public:
  Prober(int batch, double seconds) : batch_(batch), seconds_(seconds) {}

  std::vector<Served> serve(const ConvJob& job, const NodePlan& node) {
    const Conv2d& c = job.node.conv;
    const Shape x = job.node.x.with_images(batch_);
    const ConvCandidate* const joint = job.wanted ? conv2d_joint_candidate(c, x) : nullptr;
    std::vector<Served> result;
    for (int p = 0; p < 3; ++p) {
      const ConvProduct product = kProducts[p];
      if (product == ConvProduct::backward_input && !job.wanted) continue;
      const ConvCandidate& rung = conv2d_candidate(c, x, product);
      std::string fusion = product == ConvProduct::forward ? node.forward : node.backward;
      if (product == ConvProduct::backward_weights)
        fusion = job.affine || job.relu ? fmt::format("{}{} at the load", job.affine ? "BatchNorm" : "",
                                                      job.relu ? (job.affine ? "+ReLU" : "ReLU") : "")
                                        : "";
      const bool both = joint != nullptr && product != ConvProduct::forward;
      if (both) fusion += std::string(fusion.empty() ? "" : "; ") + "both gradients in one call";
      result.push_back({kProductNames[p], rung.name, rung.tile(c, x, product), fusion, 0.0});
    }
    measure(job, joint, result);
    return result;
  }

 private:
  void measure(const ConvJob& job, const ConvCandidate* joint, std::vector<Served>& rows) {
    if (seconds_ <= 0.0) return;
    const Conv2d& c = job.node.conv;
    const std::string key = fmt::format(
        "{} {} {} {} {} {} | {} | {} {} {} {} | {} {} {} {} | {} {} {} {} {} {} {}", c.in_channels, c.out_channels,
        c.kernel, c.stride, c.padding, c.groups, to_string(job.node.x), job.x_stride, job.y_stride, job.dx_stride,
        job.dy_stride, job.affine, job.relu, static_cast<int>(job.add), job.moments, job.wanted,
        static_cast<int>(job.write), job.finishes, job.finish_affine, job.mask, job.sums, job.scaled);
    if (!known_.contains(key)) {
      ConvSpeed speed(job, batch_, seconds_);
      std::vector<double> rates;
      for (const ConvProduct p : kProducts) {
        if (p == ConvProduct::backward_input && !job.wanted) continue;
        const bool both = joint != nullptr && p != ConvProduct::forward;
        rates.push_back(both ? speed.joint(*joint)
                             : speed.product(conv2d_candidate(c, job.node.x.with_images(batch_), p), p));
      }
      known_.emplace(key, std::move(rates));
    }
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].gflops = known_[key][i];
  }

  const int batch_;
  const double seconds_;
  std::map<std::string, std::vector<double>> known_;
};

std::string candidate_list() {
  std::string text;
  for (const ConvCandidate* c : conv_candidates()) {
    text += std::string(text.empty() ? "" : ", ") + c->name;
    if (c->admitted != nullptr) text += std::string(" (") + c->when + ")";
  }
  return text;
}

void print_json(const Options& o, const NetworkPlan& plan, const std::vector<std::vector<Served>>& served,
                double peak) {
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const NodePlan& n = plan.nodes[i];
    nlohmann::ordered_json row = {
        {"node", n.name}, {"layer", n.layer}, {"forward", n.forward}, {"backward", n.backward}};
    for (const Served& s : served[i])
      row["products"].push_back(
          {{"product", s.product}, {"kernel", s.kernel}, {"tile", s.tile}, {"fusion", s.fusion}, {"gflops", s.gflops}});
    nodes.push_back(std::move(row));
  }
  std::vector<std::string> candidates;
  for (const ConvCandidate* c : conv_candidates()) candidates.emplace_back(c->name);
  const nlohmann::ordered_json line = {{"model", o.model.model},
                                       {"batch", o.batch},
                                       {"threads", thread_count()},
                                       {"conv", name_of(conv_precision())},
                                       {"forced", std::string(forced_conv())},
                                       {"lanes", vector_lanes()},
                                       {"peak_gflops", peak},
                                       {"candidates", candidates},
                                       {"nodes", nodes}};
  fmt::print("{}\n", line.dump());
}

void print_table(const Options& o, const NetworkPlan& plan, const std::vector<std::vector<Served>>& served,
                 double peak) {
  const bool measured = peak > 0.0;
  Table table(
      {"node", "layer", "product", "kernel", "tile", measured ? ">GFLOP/s" : "", measured ? ">of peak" : "", "fusion"});
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const NodePlan& n = plan.nodes[i];
    if (served[i].empty()) {
      const std::string gap = n.forward.empty() || n.backward.empty() ? "" : " | backward: ";
      table.add({n.name, n.layer, "", "", "", "", "", n.forward + gap + n.backward});
    }
    for (std::size_t k = 0; k < served[i].size(); ++k) {
      const Served& s = served[i][k];
      table.add({k == 0 ? n.name : "", k == 0 ? n.layer : "", s.product, s.kernel, s.tile,
                 measured ? fmt::format("{:.0f}", s.gflops) : "",
                 measured ? fmt::format("{:.2f}", s.gflops / peak) : "", s.fusion});
    }
  }
  fmt::print("{}\n", table.text());
  if (measured)
    fmt::print(
        "GFLOP/s of the definition (2 per multiply-add), batch {}, {} threads; fused multiply-adds alone, in the "
        "same run: {:.0f}. Winograd needs fewer multiplications, so it may exceed that.\n",
        o.batch, thread_count(), peak);
  fmt::print(
      "Tiles: v = vectors of {} floats. Candidates, the first that fits runs: {}. FANIN_CONV={} in the environment "
      "forces one.\n",
      vector_lanes(), candidate_list(), forced_conv().empty() ? "NAME" : forced_conv());
}

void run(const Options& o) {
  FANIN_CHECK(o.batch >= 1, usage, "--batch {}; give at least 1", o.batch);
  FANIN_CHECK(o.seconds >= 0.0, usage, "--seconds {}; give 0 (no measurement) or more", o.seconds);
  if (o.threads > 0) set_thread_count(o.threads);
  set_conv_precision(parse_conv_precision(o.conv));
  if (o.candidates) {
    for (const ConvCandidate* c : conv_candidates()) fmt::print("{}\n", c->name);
    return;
  }
  FANIN_CHECK(!o.model.model.empty(), usage, "kernels needs a MODEL (see fanin list models) or --candidates");
  const Model model = o.model.build();
  const NetworkPlan plan = network_plan(model.network, model.logits, o.batch);
  check_memory(model.network.estimate(model.logits, o.batch, Mode::train).total(), available_memory(),
               fmt::format("{} at batch {}", o.model.model, o.batch));
  const auto measure_peak = [&] { return o.seconds > 0.0 ? fma_peak(0.2) : 0.0; };
  const double before = measure_peak();
  Prober prober(o.batch, o.seconds);
  std::vector<std::vector<Served>> served;
  for (const NodePlan& n : plan.nodes)
    served.push_back(n.conv < 0 ? std::vector<Served>{}
                                : prober.serve(plan.convolutions[static_cast<std::size_t>(n.conv)], n));
  const double peak = std::max(before, measure_peak());  // another program may have had the cores during one of them
  o.json ? print_json(o, plan, served, peak) : print_table(o, plan, served, peak);
}

}  // namespace

void add_kernels_command(CLI::App& app) {
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("kernels", "Which kernel, tile and fusion serve each node of a network, and how fast");
  command->footer(
      "Examples:\n  fanin kernels wrn-16-4 --batch 128\n  FANIN_CONV=direct fanin kernels wrn-16-4 --threads 1\n"
      "  FANIN_FUSE=0 fanin kernels densenet-bc-40-12 --seconds 0\n"
      "In the environment: FANIN_CONV=NAME forces a candidate where it fits, FANIN_FUSE=0 switches fusion off,\n"
      "FANIN_RECOMPUTE=0 keeps all values until the backward pass has read them.");
  o->model.add(*command);
  command->get_option("model")->required(false);
  command->add_option("--batch", o->batch, "Images per step")->capture_default_str();
  command->add_option("--threads", o->threads, "Threads; 0: all cores")->check(CLI::Range(0, 1024));
  command->add_option("--conv", o->conv, "Convolutions: exact, fast, bf16x6 or bf16x3")->capture_default_str();
  command->add_option("--seconds", o->seconds, "How long to measure each product; 0: not at all")
      ->capture_default_str();
  command->add_flag("--candidates", o->candidates, "Only the names of the candidates, in order of preference");
  command->add_flag("--json", o->json, "One JSON line");
  command->callback([o] { run(*o); });
}

}  // namespace fanin
