// A comparison: schemes x models x seeds (x learning rates). Runs with one seed share data order and augmentation,
// whatever the scheme, so differences between schemes are paired. Every run is a folder of its own, executed by a
// process of its own; finished runs are never repeated.
//   OUT/comparison.json                         what is compared, and the command that does it
//   OUT/data-<hash>.fanin                       a copy of an archive or folder given as data, read once for all runs
//   OUT/tuning/                                 a comparison of its own, which chose the learning rates (tuning.h)
//   OUT/<model>/<scheme>/signal.json            the signal at birth
//   OUT/<model>/<scheme>/s<seed>[-lr<rate>]/    a run
//   OUT/ranking.csv, ranking.md, report.html    the results, rebuilt from the folders alone; on several networks also
//   OUT/overview.svg                            the first figure of the report
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/run.h"

#include <atomic>
#include <string>
#include <vector>

namespace fanin {

struct TunedRate {
  std::string model, scheme;
  double rate = 0;
};

struct Comparison {
  RunConfig base;  // what all runs share
  std::vector<std::string> schemes, models;
  std::vector<std::uint64_t> seeds;
  std::vector<double> rates;           // all of them for every scheme; with tuning, those to choose from
  int tuning_seeds = 0;                // 0: no tuning
  int tuning_images = 0;               // training images that tuning tests on instead of training on them
  std::vector<TunedRate> tuned;        // once chosen: the one rate of each network and scheme
  double target = 0.0;                 // accuracy for "epochs to"; 0: 90 % of the best final median of a model
  std::string command;                 // reproduces it
  std::vector<std::string> published;  // curves to draw behind (published.h)
};

struct PlannedRun {
  RunConfig config;
  io::Path folder;
};

void check(const Comparison& comparison);  // throws ErrorKind::usage
// The learning rates that a scheme is compared at: the tuned one, or all.
std::vector<double> rates_of(const Comparison& comparison, const std::string& model, const std::string& scheme);
std::vector<PlannedRun> planned_runs(const Comparison& comparison, const io::Path& out);
io::Path scheme_folder(const io::Path& out, const std::string& model, const std::string& scheme);

void save(const Comparison& comparison, const io::Path& out);
Comparison load_comparison(const io::Path& out);  // throws ErrorKind::input

struct WorkOptions {
  std::string executable;  // that runs `train`
  int jobs = 1, threads = 1;
};
struct WorkResult {
  int finished = 0, failed = 0, skipped = 0;  // skipped: were finished before
  bool interrupted = false;
};
// Runs what is not finished yet, `jobs` at a time, with live progress. A run that fails does not stop the others.
WorkResult execute(const std::vector<PlannedRun>& runs, const io::Path& out, const WorkOptions& options,
                   const std::atomic<int>& stop);

// Probes every model with every scheme once, unless signal.json is there already.
void probe_all(const Comparison& comparison, const io::Path& out);

}  // namespace fanin
