// SPDX-License-Identifier: MIT
#include "core/train/schedule.h"

#include "core/check.h"
#include "core/text.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

const std::vector<std::string> kinds = {"constant", "step", "multistep", "cosine", "onecycle"};
constexpr double kPi = 3.14159265358979323846;

// From `from` to `to` along half a cosine while `progress` goes from 0 to 1.
double cosine_between(double from, double to, double progress) {
  return to + (from - to) * 0.5 * (1.0 + std::cos(kPi * std::clamp(progress, 0.0, 1.0)));
}

double onecycle(const ScheduleOptions& o, double progress) {
  constexpr double kStartDivisor = 25.0;  // Smith & Topin's lower bound, as torch.optim.lr_scheduler.OneCycleLR
  if (progress < o.onecycle_rise) return cosine_between(o.peak / kStartDivisor, o.peak, progress / o.onecycle_rise);
  return cosine_between(o.peak, o.peak * o.final_factor, (progress - o.onecycle_rise) / (1.0 - o.onecycle_rise));
}

}  // namespace

void check(const ScheduleOptions& o) {
  FANIN_CHECK(std::find(kinds.begin(), kinds.end(), o.kind) != kinds.end(), usage, "unknown schedule '{}'{}", o.kind,
              did_you_mean(o.kind, kinds));
  FANIN_CHECK(std::isfinite(o.peak) && o.peak >= 0.0, usage, "learning rate {}; it must be a number of at least 0",
              o.peak);
  FANIN_CHECK(o.epochs >= 1, usage, "{} epochs; train at least 1", o.epochs);
  FANIN_CHECK(o.warmup_epochs >= 0.0 && o.warmup_epochs <= o.epochs, usage,
              "warm-up of {} epochs in a run of {}; give 0 to {}", o.warmup_epochs, o.epochs, o.epochs);
  FANIN_CHECK(std::isfinite(o.factor) && o.factor > 0.0, usage, "schedule factor {}; it must be above 0", o.factor);
  FANIN_CHECK(o.step_epochs >= 1, usage, "a step every {} epochs; give at least 1", o.step_epochs);
  FANIN_CHECK(std::is_sorted(o.milestones.begin(), o.milestones.end()), usage, "milestones must rise; sort them");
  FANIN_CHECK(o.onecycle_rise > 0.0 && o.onecycle_rise < 1.0, usage, "onecycle rise {}; it must be between 0 and 1",
              o.onecycle_rise);
  FANIN_CHECK(o.final_factor >= 0.0 && o.final_factor <= 1.0, usage, "final factor {}; give 0 to 1", o.final_factor);
}

double learning_rate(const ScheduleOptions& o, double epoch) {
  if (o.kind == "onecycle") return onecycle(o, epoch / o.epochs);
  if (epoch < o.warmup_epochs) return o.peak * epoch / o.warmup_epochs;
  if (o.kind == "step") return o.peak * std::pow(o.factor, std::floor(epoch / o.step_epochs));
  if (o.kind == "multistep") {
    const auto passed = std::upper_bound(o.milestones.begin(), o.milestones.end(), epoch) - o.milestones.begin();
    return o.peak * std::pow(o.factor, static_cast<double>(passed));
  }
  if (o.kind == "cosine") {
    const double length = o.epochs - o.warmup_epochs;
    return cosine_between(o.peak, o.peak * o.final_factor, length > 0.0 ? (epoch - o.warmup_epochs) / length : 1.0);
  }
  return o.peak;
}

}  // namespace fanin
