// What a person sees of long work. On a terminal one live line with a bar and the time left; in a pipe one line per
// finished epoch.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/run.h"

#include <chrono>
#include <string>

namespace fanin {

std::string human_time(double seconds);    // "4.2 s", "3 min 20 s", "2 h 5 min"
std::string bar(double share, int width);  // "[#####     ]"
bool terminal_output();                    // is standard output a terminal?

// Seconds left, from the work done since it began. Negative while nothing is known.
class Eta {
 public:
  void begin(double done) {
    start_ = std::chrono::steady_clock::now();
    first_ = done;
  }
  double seconds_left(double done, double total) const;

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double first_ = 0.0;
};

class TrainProgressLine : public RunWatcher {
 public:
  explicit TrainProgressLine(std::string heading = "")
      : heading_(std::move(heading)) {}  // shown once the run really begins
  void begin(const RunConfig& config, const TrainProgress& start, int batches_per_epoch) override;
  void note(const std::string& sentence) override;
  void after_step(const StepRow& step, const TrainProgress& progress) override;
  void after_epoch(const EpochRow& row, const TrainProgress& progress) override;

 private:
  void clear();
  const std::string heading_;
  int epochs_ = 1, batches_ = 1;
  double total_steps_ = 1.0;
  bool live_ = terminal_output(), line_open_ = false;
  Eta eta_;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace fanin
