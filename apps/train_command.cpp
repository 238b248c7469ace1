// fanin train: one run in one folder.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/setting_options.h"
#include "apps/study/metrics.h"
#include "apps/study/progress.h"
#include "apps/study/session.h"
#include "core/check.h"
#include "core/train/loss.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>

namespace fanin {

namespace {

// One batch through everything, nothing written.
void dry_run(const RunConfig& config) {
  const std::unique_ptr<Session> session = open_session(config);
  session->initialize();
  Network& net = session->model.network;
  Batch batch;
  session->train->start_epoch(1);
  FANIN_CHECK(session->train->next(batch), usage, "the training set gives no batch of {}; use a smaller --batch",
              config.batch);
  const ConstView logits = net.forward(batch.images, Mode::train);
  Tensor gradient(logits.shape);
  const LossResult loss =
      softmax_cross_entropy(logits, batch.labels, static_cast<float>(config.label_smoothing), gradient.view());
  net.backward(gradient.view());
  fmt::print(
      "dry run: {} on {} ({} training and {} test images, {} classes), one batch of {}: loss {:.4f} (ln {} = {:.4f}); "
      "nothing was written\n",
      config.model, session->dataset.name, session->dataset.train.size(), session->dataset.test.size(),
      session->dataset.classes(), batch.labels.size(), loss.loss_sum / static_cast<double>(batch.labels.size()),
      session->dataset.classes(), std::log(session->dataset.classes()));
}

int finish(const RunStatus& status, const std::string& folder) {
  switch (status.state) {
    case RunState::diverged:
      fmt::print("{}\nThe run is recorded in {}.\n", status.reason, folder);
      return kExitDiverged;
    case RunState::interrupted:
      fmt::print("stopped after step {}; the same command goes on from there\n", status.step);
      return stop_signal.load() == 0 ? 0 : kExitSignalBase + stop_signal.load();  // 0: the time was up
    default: break;
  }
  const std::vector<EpochRow> rows = read_metrics(folder);
  if (!rows.empty())
    fmt::print("done: test accuracy {:.2f} %, weights {:016x}, {}\n", 100.0 * rows.back().test_accuracy,
               rows.back().weights_hash, folder);
  return 0;
}

}  // namespace

void add_train_command(CLI::App& app, CommandContext& context) {
  struct Options {
    SettingOptions settings;
    std::string run;
    bool dry = false;
    int parent = 0;
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("train", "Train one network; the run is a folder that the same command resumes");
  command->footer(
      "Examples:\n"
      "  fanin train --model wrn-10-1 --data synthetic --scheme kaiming_normal --epochs 5 --run runs/first\n"
      "  fanin train --config docs/recipes/cifar10-wrn-16-1.toml --data cifar10.fanin --run runs/cifar --seed 2\n"
      "A diverged run ends with exit code 8, an interrupted one with 130 or 143.");
  command->add_option("--run", o->run, "Folder of the run; default runs/<model>-s<seed>-<hash of the settings>")
      ->group("What");
  command->add_flag("--dry-run", o->dry, "One batch through everything, then stop; writes nothing")->group("How long");
  command->add_option("--parent", o->parent, "End when this process is gone")->group("");  // for `fanin compare`
  o->settings.add(*command);
  command->callback([o, &context] {
    const RunConfig config = o->settings.resolve();
    if (o->dry) return dry_run(config);
    const std::string name = config.model.substr(0, config.model.find(':'));
    const std::string folder =
        o->run.empty() ? fmt::format("runs/{}-s{}-{}", name, config.seed, config_hash(config).substr(0, 8)) : o->run;
    catch_stop_signals();
    if (o->parent > 0) end_with_parent(o->parent);
    TrainProgressLine progress(o->run.empty() ? "run folder: " + folder : "");
    context.exit_code = finish(execute_run(config, folder, progress, stop_signal), folder);
  });
}

}  // namespace fanin
