// SPDX-License-Identifier: MIT
#include "init/fan.h"

#include <cmath>

namespace fanin {

Fan fan(const WeightShape& w, FanCount count) {
  const double taps = w.taps();
  return {taps * (count == FanCount::ignored ? w.in_channels() : w.in_per_group),
          taps * (count == FanCount::exact ? w.out_per_group : w.out_channels())};
}

double fan_by_mode(const Fan& fan, FanMode mode) {
  switch (mode) {
    case FanMode::in: return fan.in;
    case FanMode::out: return fan.out;
    case FanMode::average: return 0.5 * (fan.in + fan.out);
    case FanMode::geometric_mean: return std::sqrt(fan.in * fan.out);
  }
  return fan.in;
}

const char* to_string(FanMode mode) {
  switch (mode) {
    case FanMode::in: return "fan_in";
    case FanMode::out: return "fan_out";
    case FanMode::average: return "fan_avg";
    case FanMode::geometric_mean: return "fan_geo";
  }
  return "fan_in";
}

const char* to_string(FanCount count) {
  switch (count) {
    case FanCount::exact: return "";
    case FanCount::torch: return " (groups as PyTorch)";
    case FanCount::ignored: return " (groups ignored)";
  }
  return "";
}

}  // namespace fanin
