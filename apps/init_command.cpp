// fanin init: fills a network and says with what. fanin fans: how fans are counted. fanin check-init: is a scheme what it
// says it is?
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/model_options.h"
#include "apps/study/scheme_file.h"
#include "apps/table.h"
#include "core/check.h"
#include "core/train/checkpoint.h"
#include "init/catalog.h"
#include "init/fan.h"
#include "init/network_initializer.h"
#include "init/self_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

namespace fanin {

namespace {

std::string number(double x) { return fmt::format("{:.4g}", x); }

struct Measured {
  double std = 0, least = 0, most = 0;
};

Measured measure(std::span<const float> w) {
  double mean = 0.0, square = 0.0;
  const double n = static_cast<double>(w.size());
  for (const float v : w) mean += static_cast<double>(v) / n;
  for (const float v : w) square += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean) / n;
  const auto [least, most] = std::minmax_element(w.begin(), w.end());
  return {std::sqrt(square), static_cast<double>(*least), static_cast<double>(*most)};
}

void print_filled(const Network& net, const Scheme& scheme) {
  Table table({"parameter", "shape", ">fan in", ">fan out", "rule", "initializer", ">promised std", ">measured std",
               ">least", ">most"});
  std::vector<std::string> defaults, warnings;
  std::size_t weights = 0;
  for (const Parameter* p : net.parameters()) {
    const Fan f = fan(p->shape);
    const Measured m = measure(p->value);
    const std::optional<double> variance = scheme.variance(*p);
    const std::string rule = scheme.rule(*p), warning = scheme.initializer(*p).warning(p->shape);
    const bool has_fans = p->role != Role::norm_scale && p->role != Role::norm_shift;
    table.add({p->name, to_string(p->shape), has_fans ? number(f.in) : "", has_fans ? number(f.out) : "", rule,
               scheme.describe(*p), variance ? number(std::sqrt(*variance)) : "none", number(m.std), number(m.least),
               number(m.most)});
    if (rule == "default") defaults.push_back(p->name);
    if (!warning.empty()) warnings.push_back(p->name + ": " + warning);
    weights += p->value.size();
  }
  fmt::print("{}\n{} parameters in {} tensors", table.text(), thousands(static_cast<long long>(weights)),
             net.parameters().size());
  if (defaults.empty())
    fmt::print(", every one by a rule of the scheme\n");
  else
    fmt::print("; {} tensors are left at a default (biases and shifts 0, scales 1), such as {}\n", defaults.size(),
               defaults.front());
  for (const std::string& warning : warnings) fmt::print(stderr, "fanin: warning: {}\n", warning);
}

void print_fans(const Network& net) {
  Table table({"weight", "shape", ">groups", ">fan in", ">fan out", ">fan out (torch)", "fan in =", "fan out ="});
  bool grouped = false;
  for (const Parameter* p : net.parameters()) {
    const WeightShape& s = p->shape;
    if (s.rank < 2) continue;
    const Fan exact = fan(s), torch = fan(s, FanCount::torch);
    const std::string taps = s.rank == 4 ? fmt::format("{} x {} x ", s.kernel_height, s.kernel_width) : "";
    const std::string divide = s.groups > 1 ? fmt::format(" / {}", s.groups) : "";
    table.add({p->name, to_string(s), std::to_string(s.groups), number(exact.in), number(exact.out), number(torch.out),
               fmt::format("{}{}{}", taps, s.in_channels(), divide),
               fmt::format("{}{}{}", taps, s.out_channels(), divide)});
    grouped = grouped || s.groups > 1;
  }
  fmt::print("{}", table.text());
  if (grouped)
    fmt::print(
        "\nWhere there are groups, torch.nn.init counts fan out without dividing (pytorch#23854): groups=torch "
        "asks for that.\n");
}

// Each kind of weight once: the shapes of a network repeat.
int check_scheme(const std::string& spec, Model& model, int seeds) {
  const std::unique_ptr<Scheme> scheme = make_scheme(spec);
  Table table({"parameter", "shape", "initializer", "check", "finding", "verdict"});
  std::set<std::string> seen;
  int failed = 0, checks = 0;
  for (const Parameter* p : model.network.parameters()) {
    const Initializer& initializer = scheme->initializer(*p);
    if (!seen.insert(initializer.describe() + to_string(p->shape)).second) continue;
    for (int seed = 1; seed <= seeds; ++seed)
      for (const SelfTestCheck& check : self_test(initializer, p->shape, static_cast<std::uint64_t>(seed))) {
        ++checks;
        failed += !check.passed;
        const bool routine = check.name == "finite" || check.name == "reproducible";
        if (!check.passed || (seed == 1 && !routine))
          table.add({p->name, to_string(p->shape), initializer.describe(), check.name, check.finding,
                     check.passed ? "ok" : "FAILED"});
      }
  }
  if (scheme->step() != nullptr) {
    const FillSample sample = fill_model(model, *scheme, {});
    const Property p = scheme->step()->check(model.network, sample.batch, 1);
    ++checks;
    failed += !p.holds();
    table.add({"(network)", "", scheme->describe(), p.claim,
               fmt::format("largest deviation {:.2g}, bound {:.2g}", p.deviation, p.bound),
               p.holds() ? "ok" : "FAILED"});
  }
  fmt::print(
      "{}\n{} checks over {} seeds (all values finite, the same seed the same bits, and those above), {} failed; a "
      "sound initializer fails one in 10,000\n",
      table.text(), checks, seeds, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace

void add_init_command(CLI::App& app) {
  struct Options {
    ModelChoice model;
    std::string scheme = "kaiming_normal", stream = "philox", out;
    FillOptions fill;
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("init", "Fill a network by a scheme: per parameter the rule, promised and measured std");
  command->footer(
      "Examples:\n"
      "  fanin init wrn-16-4 --scheme wrn-lua\n"
      "  fanin init resnext-29-8x64d --scheme prlz77-resnext --stream torch --seed 0 --out birth.safetensors");
  o->model.add(*command);
  command->add_option("--scheme", o->scheme, "Scheme: see fanin list schemes and presets; @FILE: rules, one a line")
      ->capture_default_str();
  command->add_option("--seed", o->fill.seed, "Seed")->capture_default_str();
  command->add_option("--stream", o->stream, "philox, or torch: the weights that PyTorch's manual_seed gives")
      ->capture_default_str();
  add_sample_options(*command, o->fill);
  command->add_option("--out", o->out, "Write the weights here (safetensors, PyTorch's names and order)");
  command->callback([o] {
    const std::string rules = scheme_text(o->scheme, "--scheme");
    const std::unique_ptr<Scheme> scheme = make_scheme(rules);
    Model model = o->model.build();
    o->fill.stream = parse_stream(o->stream);
    fill_model(model, *scheme, o->fill);
    print_filled(model.network, *scheme);
    if (o->out.empty()) return;
    save_weights(o->out, model.network,
                 {{"format", "fanin-weights"},
                  {"model", o->model.model},
                  {"scheme", rules},
                  {"seed", std::to_string(o->fill.seed)},
                  {"stream", o->stream}});
    fmt::print("wrote {}\n", o->out);
  });
}

void add_fans_command(CLI::App& app) {
  const std::shared_ptr<ModelChoice> o = std::make_shared<ModelChoice>();
  CLI::App* command =
      app.add_subcommand("fans", "Fan in and fan out of every weight, exact and as PyTorch counts, with the formula");
  command->footer("Example:\n  fanin fans resnext-29-8x64d");
  o->add(*command);
  command->callback([o] { print_fans(o->build().network); });
}

void add_check_init_command(CLI::App& app, CommandContext& context) {
  struct Options {
    std::string scheme, model = "wrn-10-1";
    int seeds = 3;
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "check-init", "Is a scheme what it says it is? Variances, distributions and structure of fresh draws");
  command->footer(
      "Example:\n  fanin check-init 'kaiming_normal:mode=fan_out' --model resnext-11-4x8d\nExit code 1 if a check "
      "fails.");
  command->add_option("scheme", o->scheme, "Scheme: see fanin list schemes; @FILE: rules, one a line")->required();
  command->add_option("--model", o->model, "Network whose weights are filled")->capture_default_str();
  command->add_option("--seeds", o->seeds, "How many seeds")->capture_default_str()->check(CLI::Range(1, 1000));
  command->callback([o, &context] {
    Model model = build_model(o->model, {1, 32, 32, 3}, 10);
    context.exit_code = check_scheme(scheme_text(o->scheme, "scheme"), model, o->seeds);
  });
}

}  // namespace fanin
