// SPDX-License-Identifier: MIT
#include "apps/study/record.h"

#include "core/check.h"
#include "core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

constexpr const char* kHead = "epoch,weight,norm,gradient_to_weight,update_to_weight,effective_rate\n";

std::string histogram_head() {
  std::string head = "epoch,weight,low,high";
  for (int i = 0; i < kWeightBins; ++i) head += fmt::format(",bin{}", i);
  return head + "\n";
}

// What a file has about epochs before this one: an epoch may be done again after a crash.
std::string rows_before(const io::Path& file, int epoch) {
  std::string text;
  if (!std::filesystem::exists(file)) return text;
  const std::string old = io::read_text(file);
  for (const std::string_view line : split(old, '\n'))
    if (const auto of = parse_integer(line.substr(0, line.find(','))); of && *of < epoch)
      text += std::string(line) + "\n";
  return text;
}

double norm(std::span<const float> values) {
  double sum = 0.0;
  for (const float v : values) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum);
}

}  // namespace

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
  std::string text = kHead + rows_before(folder_ / "record.csv", epoch);
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
  io::write_atomically(folder_ / "record.csv", text);
  write_histograms(epoch);
}

void TrainingRecord::write_histograms(int epoch) const {
  if (!on_) return;
  std::string text = histogram_head() + rows_before(folder_ / "weight_histograms.csv", epoch);
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
  io::write_atomically(folder_ / "weight_histograms.csv", text);
}

std::vector<WeightHistogram> read_weight_histograms(const io::Path& file) {
  std::vector<WeightHistogram> rows;
  if (!std::filesystem::exists(file)) return rows;
  const std::string text = io::read_text(file);
  int number = 0;
  for (const std::string_view line : split(text, '\n')) {
    if (++number == 1 || line.empty()) continue;
    const std::vector<std::string_view> cells = split(line, ',');
    WeightHistogram row;
    std::vector<double> numbers;
    for (std::size_t i = 2; i < cells.size(); ++i)
      if (const std::optional<double> v = parse_number(cells[i])) numbers.push_back(*v);
    const std::optional<long long> epoch = parse_integer(cells[0]);
    FANIN_CHECK(epoch && *epoch >= 0 && *epoch <= 1'000'000 && cells.size() == kWeightBins + 4 &&
                    numbers.size() == kWeightBins + 2,
                input, "{} line {} is not an epoch, a weight and {} numbers; remove the file", file.string(), number,
                kWeightBins + 2);
    row.epoch = static_cast<int>(*epoch);
    row.weight = cells[1];
    row.histogram = {numbers[0], numbers[1], {numbers.begin() + 2, numbers.end()}};
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace fanin
