// fanin probe: the signal at birth of one network under one scheme.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/setting_options.h"
#include "apps/study/probe.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>

namespace fanin {

namespace {

void print_csv(const SignalProfile& p) {
  fmt::print("node,value_mean,value_std,gradient_std,zeros\n");
  for (const NodeSignal& n : p.nodes)
    fmt::print("{},{},{},{},{}\n", n.node, n.value_mean, n.value_std, n.gradient_std, n.zeros);
}

void print_table(const SignalProfile& p) {
  std::size_t widest = 4;
  for (const NodeSignal& n : p.nodes) widest = std::max(widest, n.node.size());
  for (const WeightSignal& w : p.weights) widest = std::max(widest, w.parameter.size());
  fmt::print("{} with {}, one batch of {}\n\n{:<{}}  {:>11} {:>11} {:>12} {:>7}\n", p.model, p.scheme, p.images, "node",
             widest, "mean", "std", "gradient std", "zeros");
  for (const NodeSignal& n : p.nodes)
    fmt::print("{:<{}}  {:>11.4g} {:>11.4g} {:>12.4g} {:>5.1f} %\n", n.node, widest, n.value_mean, n.value_std,
               n.gradient_std, 100.0 * n.zeros);
  fmt::print("\n{:<{}}  {:>8} {:>8} {:>10} {:>10}  initializer\n", "weight", widest, "fan in", "fan out", "promised",
             "measured");
  for (const WeightSignal& w : p.weights)
    fmt::print("{:<{}}  {:>8} {:>8} {:>10} {:>10.4g}  {}\n", w.parameter, widest, w.fan_in, w.fan_out,
               w.promised_std ? fmt::format("{:.4g}", *w.promised_std) : "none", w.measured_std, w.initializer);
  fmt::print("\nloss {:.4f}; knowing nothing costs ln {} = {:.4f}\n", p.loss, p.classes, std::log(p.classes));
}

}  // namespace

void add_probe_command(CLI::App& app) {
  struct Options {
    SettingOptions settings;
    bool csv = false;
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "probe", "The signal at birth: size of values and gradients at every layer before any training");
  command->footer("Example:\n  fanin probe --model plain-20-16 --scheme torch_default");
  command->add_flag("--csv", o->csv, "Comma-separated values");
  o->settings.add(*command);
  command->callback([o] {
    const std::unique_ptr<Session> session = open_session(o->settings.resolve());
    const SignalProfile profile = probe(*session);
    if (o->csv)
      print_csv(profile);
    else
      print_table(profile);
  });
}

}  // namespace fanin
