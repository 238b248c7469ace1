// SPDX-License-Identifier: MIT
#include "apps/study/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

constexpr const char* kHead = "epoch,weight,norm,gradient_to_weight,update_to_weight,effective_rate";

std::string histogram_head() {
  std::string head = "epoch,weight,low,high";
  for (int i = 0; i < kWeightBins; ++i) head += fmt::format(",bin{}", i);
  return head;
}

double norm(std::span<const float> values) {
  double sum = 0.0;
  for (const float v : values) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum);
}

}  // namespace

TrainingRecord::TrainingRecord(const Network& net, const io::Path& folder, bool on)
    : net_(net),
      on_(on),
      speeds_(folder / "record.csv", kHead),
      histograms_(folder / "weight_histograms.csv", histogram_head()) {}

void TrainingRecord::start(bool at_birth) {
  remember();
  if (at_birth) write_histograms(0);
}

void TrainingRecord::remember() {
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
  remember();
}

void TrainingRecord::after_epoch(int epoch, double learning_rate) {
  if (!on_) return;
  std::string text;
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
  speeds_.put(epoch, text);
  write_histograms(epoch);
}

void TrainingRecord::write_histograms(int epoch) {
  if (!on_) return;
  std::string text;
  for (const Parameter* p : net_.parameters()) {
    if (p->shape.rank < 2) continue;
    double reach = 0.0;
    for (const float v : p->value) reach = std::max(reach, std::fabs(static_cast<double>(v)));
    if (!(reach > 0.0) || !std::isfinite(reach)) reach = 1.0;
    Histogram h{-reach, reach, std::vector<double>(kWeightBins)};
    const int size = static_cast<int>(p->value.size());
    statistics_of({p->value.data(), {size, 1, 1, 1}, 1}, {}, &h);
    text += fmt::format("{},{},{},{},{}\n", epoch, p->name, h.low, h.high, fmt::join(h.counts, ","));
  }
  histograms_.put(epoch, text);
}

std::vector<WeightHistogram> read_weight_histograms(const io::Path& file) {
  std::vector<WeightHistogram> rows;
  read_epoch_csv(file, kWeightBins + 4, [&](int epoch, const std::vector<std::string_view>& cells, int line) {
    const std::vector<double> numbers = numbers_of(cells, 2, file, line);
    rows.push_back({epoch, std::string(cells[1]), {numbers[0], numbers[1], {numbers.begin() + 2, numbers.end()}}});
  });
  return rows;
}

}  // namespace fanin
