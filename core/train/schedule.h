// Learning-rate schedules as pure functions of the training step, equal to torch.optim.lr_scheduler where that has the
// kind. `step` counts from 0 over the whole run.
//   warm-up           peak * (step + 1) / warm-up steps, so that the first step moves; then the kind runs over the rest
//   step, multistep   StepLR, MultiStepLR stepped once an epoch: the first step after a milestone has the new rate
//   cosine            CosineAnnealingLR stepped every batch: the rate before step i of n is that of progress i / n
//   onecycle          OneCycleLR with cosine annealing, a start at peak / 25 and an end at peak * final_factor
//                     (PyTorch's defaults mean final_factor 4e-6)
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fanin {

struct ScheduleOptions {
  std::string kind = "constant";        // constant, step, multistep, cosine, onecycle
  double peak = 0.1;                    // the learning rate that the kinds scale
  double warmup_epochs = 0.0;           // linear from 0; then the kind runs over the rest (onecycle has its own rise)
  double factor = 0.1;                  // step, multistep: multiply by this
  int step_epochs = 30;                 // step: every so many epochs
  std::vector<double> milestones = {};  // multistep: after these many epochs
  double final_factor = 0.0;            // cosine, onecycle: the end is peak * final_factor
  double onecycle_rise = 0.3;           // onecycle: share of the epochs spent rising (Smith & Topin 2019)
  int epochs = 1;
};

void check(const ScheduleOptions&);  // throws ErrorKind::usage
double learning_rate(const ScheduleOptions&, std::int64_t step, std::int64_t steps_per_epoch);
int drops(const ScheduleOptions&, std::int64_t step, std::int64_t steps_per_epoch);  // step, multistep: so far

}  // namespace fanin
