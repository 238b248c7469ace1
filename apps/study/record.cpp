// SPDX-License-Identifier: MIT
#include "apps/study/record.h"

#include "core/text.h"

#include <fmt/format.h>

#include <cmath>

namespace fanin {

namespace {

constexpr const char* kHead = "epoch,weight,norm,gradient_to_weight,update_to_weight,effective_rate\n";

double norm(std::span<const float> values) {
  double sum = 0.0;
  for (const float v : values) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum);
}

}  // namespace

void TrainingRecord::start() {
  if (on_) before_.assign(net_.values().begin(), net_.values().end());
}

void TrainingRecord::after_step() {
  if (!on_) return;
  moved_.clear();
  for (const Parameter* p : net_.parameters()) {
    if (p->shape.rank < 2) continue;
    const float* const before = before_.data() + (p->value.data() - net_.values().data());
    double sum = 0.0;
    for (std::size_t i = 0; i < p->value.size(); ++i) {
      const double d = static_cast<double>(p->value[i]) - static_cast<double>(before[i]);
      sum += d * d;
    }
    moved_.push_back(std::sqrt(sum));
  }
  start();
}

void TrainingRecord::after_epoch(int epoch, double learning_rate) {
  if (!on_) return;
  std::string text = kHead;
  if (std::filesystem::exists(file_)) {
    const std::string old = io::read_text(file_);
    for (const std::string_view line : split(old, '\n'))
      if (const auto of = parse_integer(line.substr(0, line.find(','))); of && *of < epoch)
        text += std::string(line) + "\n";
  }
  std::size_t row = 0;
  for (const Parameter* p : net_.parameters()) {
    if (p->shape.rank < 2) continue;
    const double w = norm(p->value);
    // A run that goes on between an epoch's last step and its end has not seen that step.
    const std::string speeds =
        row < moved_.size() ? fmt::format("{},{}", norm(p->grad) / w, moved_[row] / w) : std::string(",");
    text += fmt::format("{},{},{},{},{}\n", epoch, p->name, w, speeds, learning_rate / (w * w));
    ++row;
  }
  io::write_atomically(file_, text);
}

}  // namespace fanin
