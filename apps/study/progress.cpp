// SPDX-License-Identifier: MIT
#include "apps/study/progress.h"

#include <fmt/format.h>

#include <unistd.h>
#include <algorithm>
#include <cmath>
#include <cstdio>

namespace fanin {

namespace {
void show(const std::string& text) {  // output that nobody reads any more is no reason to stop training
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}
}  // namespace

std::string human_time(double seconds) {
  if (seconds < 10.0) return fmt::format("{:.1f} s", seconds);
  const long long s = std::llround(seconds);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {} s", s / 60, s % 60);
  return fmt::format("{} h {} min", s / 3600, s % 3600 / 60);
}

std::string bar(double share, int width) {
  const int filled = static_cast<int>(std::clamp(share, 0.0, 1.0) * width);
  return "[" + std::string(static_cast<std::size_t>(filled), '#') +
         std::string(static_cast<std::size_t>(width - filled), ' ') + "]";
}

bool terminal_output() { return ::isatty(STDOUT_FILENO) == 1; }

double Eta::seconds_left(double done, double total) const {
  const double spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  return done > first_ ? spent * (total - done) / (done - first_) : -1.0;
}

void TrainProgressLine::begin(const RunConfig& config, const TrainProgress& start, int batches_per_epoch) {
  epochs_ = config.epochs;
  batches_ = batches_per_epoch;
  total_steps_ = static_cast<double>(config.epochs) * batches_per_epoch;
  if (config.max_steps > 0) total_steps_ = std::min(total_steps_, static_cast<double>(config.max_steps));
  eta_.begin(static_cast<double>(start.step));
  if (!heading_.empty()) note(heading_);
}

void TrainProgressLine::clear() {
  if (line_open_) show("\r\x1b[K");
  line_open_ = false;
}

void TrainProgressLine::note(const std::string& sentence) {
  clear();
  show(sentence + "\n");
}

void TrainProgressLine::after_step(const StepRow& s, const TrainProgress& p) {
  const std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
  if (!live_ || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  const double done = static_cast<double>(s.step), left = eta_.seconds_left(done, total_steps_);
  show(fmt::format("\r\x1b[Kepoch {}/{} {} loss {:.4f} lr {:.4f} {:.0f} images/s, {} left", s.epoch, epochs_,
                   bar(done / total_steps_, 24), p.loss_sum / static_cast<double>(std::max<std::int64_t>(1, p.images)),
                   s.learning_rate, static_cast<double>(p.images) / std::max(1e-9, p.seconds),
                   left < 0.0 ? "?" : human_time(left)));
  line_open_ = true;
}

void TrainProgressLine::after_epoch(const EpochRow& r, const TrainProgress& p) {
  clear();
  const double left = eta_.seconds_left(static_cast<double>(p.step), total_steps_);
  show(fmt::format(
      "epoch {:>3}/{}  train loss {:.4f} accuracy {:.2f} %  test loss {:.4f} accuracy {:.2f} %  {:.0f} images/s, "
      "{:.1f} % waiting{}\n",
      r.epoch, epochs_, r.train_loss, 100.0 * r.train_accuracy, r.test_loss, 100.0 * r.test_accuracy,
      r.images_per_second, 100.0 * r.waited_share(), left > 0.5 ? ", " + human_time(left) + " left" : ""));
}

}  // namespace fanin
