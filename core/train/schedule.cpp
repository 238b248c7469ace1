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

double onecycle(const ScheduleOptions& o, double step, double steps) {
  constexpr double kStartDivisor = 25.0;  // Smith & Topin's lower bound
  const double top = o.onecycle_rise * steps - 1.0, last = steps - 1.0;
  if (step <= top) return cosine_between(o.peak / kStartDivisor, o.peak, step / top);
  return cosine_between(o.peak, o.peak * o.final_factor, last > top ? (step - top) / (last - top) : 1.0);
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

int drops(const ScheduleOptions& o, std::int64_t step, std::int64_t steps_per_epoch) {
  const double epoch = static_cast<double>(step) / static_cast<double>(steps_per_epoch);
  if (o.kind == "step") return static_cast<int>(epoch / o.step_epochs);
  if (o.kind != "multistep") return 0;
  return static_cast<int>(std::upper_bound(o.milestones.begin(), o.milestones.end(), epoch) - o.milestones.begin());
}

double learning_rate(const ScheduleOptions& o, std::int64_t step, std::int64_t steps_per_epoch) {
  const double per_epoch = static_cast<double>(steps_per_epoch), steps = o.epochs * per_epoch;
  const double now = static_cast<double>(step), warm = o.warmup_epochs * per_epoch;
  if (o.kind == "onecycle") return onecycle(o, now, steps);
  if (now + 1.0 < warm) return o.peak * (now + 1.0) / warm;
  if (o.kind == "cosine")
    return cosine_between(o.peak, o.peak * o.final_factor, steps > warm ? (now - warm) / (steps - warm) : 1.0);
  return o.peak * std::pow(o.factor, drops(o, step, steps_per_epoch));
}

}  // namespace fanin
