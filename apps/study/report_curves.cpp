// SPDX-License-Identifier: MIT
#include "apps/study/report_curves.h"

#include "apps/study/published.h"
#include "apps/study/statistics.h"
#include "apps/study/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace fanin {

namespace {

// A band over seeds: median and quartiles at each position that all seeds reach.
template <class ValueAt>
PlotSeries band(const RankingRow& row, std::size_t length, ValueAt value_at) {
  PlotSeries s{fmt::format("{} (n = {})", row.label(), row.seeds.size()), {}, {}, {}, {}};
  for (std::size_t i = 0; i < length; ++i) {
    std::vector<double> values;
    for (const SeedResult& seed : row.seeds)
      if (const std::optional<double> v = value_at(seed, i)) values.push_back(*v);
    if (values.empty()) break;
    const Quartiles q = quartiles(values);
    s.x.push_back(static_cast<double>(i + 1));
    s.y.push_back(q.median);
    s.low.push_back(q.low);
    s.high.push_back(q.high);
  }
  return s;
}

// Somebody else's curve, as far as the own ones go.
PlotSeries published_series(const std::string& name, std::size_t epochs) {
  const PublishedCurve& curve = published_curve(name);
  PlotSeries s{fmt::format("{} on {} (published)", curve.network, curve.data), {}, {}, {}, {}};
  for (const PublishedPoint& point : curve.points)
    if (static_cast<std::size_t>(point.epoch) <= epochs) {
      s.x.push_back(point.epoch);
      s.y.push_back(100.0 - point.test_error);
    }
  return s;
}

}  // namespace

std::string curve_plots(const ModelRanking& ranking, const std::vector<std::string>& published) {
  Plot steps{.title = "The first steps",
             .x_label = "logged training step",
             .y_label = "training loss of the batch, log scale, median and quartiles over seeds",
             .log_y = true,
             .series = {}};
  Plot epochs{.title = "Test accuracy",
              .x_label = "epoch",
              .y_label = "%, median and quartiles over seeds",
              .log_y = false,
              .series = {}};
  std::size_t longest = 0;
  for (const RankingRow& row : ranking.rows) {
    std::size_t most_steps = 0, most_epochs = 0;
    for (const SeedResult& s : row.seeds)
      most_steps = std::max(most_steps, s.step_losses.size()), most_epochs = std::max(most_epochs, s.rows.size());
    steps.series.push_back(band(row, most_steps, [](const SeedResult& s, std::size_t i) {
      return i < s.step_losses.size() ? std::optional<double>(s.step_losses[i]) : std::nullopt;
    }));
    epochs.series.push_back(band(row, most_epochs, [](const SeedResult& s, std::size_t i) {
      return i < s.rows.size() ? std::optional<double>(100.0 * s.rows[i].test_accuracy) : std::nullopt;
    }));
    longest = std::max(longest, most_epochs);
  }
  for (const std::string& name : published) epochs.series.push_back(published_series(name, longest));
  return svg(steps) + svg(epochs);
}

}  // namespace fanin
