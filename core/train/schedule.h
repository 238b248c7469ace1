// Learning-rate schedules as pure functions of training progress. `epoch` is fractional: 2.5 is the middle of the third
// epoch.
// The trainer asks for step i (from 0) of epoch e (from 1) at e - 1 + (i + 1) / batches: the progress after that step.
// So a warm-up from 0 moves with its first step and a cosine to 0 ends exactly at 0.
// SPDX-License-Identifier: MIT
#pragma once

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

void check(const ScheduleOptions&);                          // throws ErrorKind::usage
double learning_rate(const ScheduleOptions&, double epoch);  // 0 <= epoch <= epochs

}  // namespace fanin
