// fanin demo: a comparison that teaches, in three minutes.
// SPDX-License-Identifier: MIT
#include "apps/comparison_work.h"

#include <memory>

namespace fanin {

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
    context.exit_code = run_comparison(std::move(c), o->out, context, o->workers);
  });
}

}  // namespace fanin
