// A run is a folder, and executing it is idempotent: finished means nothing to do, partial means resume exactly, locked
// says so.
//   config.toml           the effective configuration
//   env.json, log.txt     where it ran, what happened when; console.txt: what it printed under `fanin compare`
//   status.json           state (running, done, diverged, interrupted, failed), epoch, step, reason
//   metrics.csv           a row per epoch; weights_hash is the last column
//   steps.jsonl           an object per logged step
//   last.safetensors      the checkpoint: weights, optimizer, progress, rows of metrics.csv, length of steps.jsonl
//   init.safetensors, weights.safetensors   weights at birth and at the end; best.safetensors with a validation split
//   .lock                 held while a process works here
// The checkpoint is the truth: metrics.csv is rewritten from it and steps.jsonl cut back to it on resume, so a kill at
// any instant leads to the same bytes (times aside).
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/config.h"
#include "core/train/trainer.h"

#include <atomic>
#include <optional>

namespace fanin {

enum class RunState { fresh, running, done, diverged, interrupted, failed };
std::string_view to_string(RunState state);

struct RunStatus {
  RunState state = RunState::fresh;
  int epoch = 0;  // finished epochs
  std::int64_t step = 0;
  std::string reason, node;  // of a divergence or a failure
  double waited = 0.0;       // share of the last epoch's time in which steps waited for images
};
RunStatus read_status(const io::Path& folder);  // fresh if there is none; throws ErrorKind::input if it is damaged

// What the one who starts a run sees of it.
class RunWatcher : public TrainObserver {
 public:
  virtual void begin(const RunConfig& /*config*/, const TrainProgress& /*start*/, int /*batches_per_epoch*/) {}
  virtual void note(const std::string& /*sentence*/) {}
};

// Refuses to mix two configurations in one folder: throws ErrorKind::usage with the settings that differ.
void check_same_config(const RunConfig& config, const io::Path& folder);

// Runs, resumes or does nothing. `stop` becomes non-zero when the run should save and end (RunState::interrupted).
RunStatus execute_run(const RunConfig& config, const io::Path& folder, RunWatcher& watcher,
                      const std::atomic<int>& stop);

}  // namespace fanin
