// SPDX-License-Identifier: MIT
#include "apps/lessons/trials.h"

#include "apps/study/statistics.h"
#include "data/batches.h"

namespace fanin {

std::vector<Exercised> run_trials(LessonContext& context, const Dataset& data, const std::vector<Exercise>& trials) {
  std::vector<Exercised> results(trials.size());
  in_parallel(
      static_cast<int>(trials.size()),
      [&](int i) { results[static_cast<std::size_t>(i)] = exercise(data, trials[static_cast<std::size_t>(i)]); },
      [&](int i) {
        const Exercise& e = trials[static_cast<std::size_t>(i)];
        context.advance(1.0, fmt::format("{} {}", e.model, e.scheme));
      });
  return results;
}

KeptBatch batch_of(const Dataset& data, int images, std::uint64_t seed) {
  Augmentation normalize;
  normalize.mean = data.mean;
  normalize.std = data.std;
  const std::unique_ptr<BatchSource> source =
      make_batches(data, data.train, {.batch_size = images, .seed = seed, .augmentation = normalize});
  source->start_epoch(1);
  Batch batch;
  source->next(batch);
  KeptBatch kept{Tensor(batch.images.shape), {batch.labels.begin(), batch.labels.end()}};
  copy(batch.images, kept.images.view());
  return kept;
}

IntervalRow paired_row(const std::string& name, const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) differences.push_back(a[i] - b[i]);
  IntervalRow row{.name = name, .centre = mean(differences)};
  if (const std::optional<Interval> interval = paired_interval(differences)) {
    row.low = interval->low;
    row.high = interval->high;
    row.has_interval = true;
  }
  return row;
}

bool differs(const IntervalRow& row) { return row.has_interval && (row.low > 0.0 || row.high < 0.0); }

std::string paired_text(const LessonContext& context, const IntervalRow& row) {
  if (!row.has_interval) return fmt::format("{:+.3f}", row.centre);
  const Text verdict = differs(row) ? Text{"a difference", "有差别"} : Text{"no difference found", "没有发现差别"};
  return fmt::format("{:+.3f} [{:.3f}, {:.3f}]: {}", row.centre, row.low, row.high, context.say(verdict));
}

std::string listed(const std::vector<double>& values, const char* format) {
  std::string text;
  for (const double v : values) text += (text.empty() ? "" : ", ") + fmt::format(fmt::runtime(format), v);
  return text;
}

}  // namespace fanin
