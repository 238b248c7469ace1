// SPDX-License-Identifier: MIT
#include "apps/study/report_curves.h"

#include "apps/study/published.h"
#include "apps/study/report_text.h"
#include "apps/study/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace fanin {

namespace {

// Over seeds: median, quartiles and range at each position that any seed reaches.
template <class ValueAt>
PlotSeries band(const RankingRow& row, std::size_t length, ValueAt value_at) {
  PlotSeries s{fmt::format("{} (n = {})", row.label(), row.seeds.size()), {}, {}, {}, {}};
  s.group = row.label();
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
    s.least.push_back(*std::min_element(values.begin(), values.end()));
    s.most.push_back(*std::max_element(values.begin(), values.end()));
  }
  return s;
}

template <class Values>
std::size_t longest(const RankingRow& row, Values SeedResult::*values) {
  std::size_t most = 0;
  for (const SeedResult& seed : row.seeds) most = std::max(most, (seed.*values).size());
  return most;
}

// Somebody else's curve, as far as the own ones go.
PlotSeries published_series(const std::string& name, std::size_t epochs, Language language) {
  const PublishedCurve& curve = published_curve(name);
  PlotSeries s{say(language, kPublished, curve.network, curve.data), {}, {}, {}, {}};
  s.reference = true;
  for (const PublishedPoint& point : curve.points)
    if (static_cast<std::size_t>(point.epoch) <= epochs) {
      s.x.push_back(point.epoch);
      s.y.push_back(100.0 - point.test_error);
    }
  return s;
}

}  // namespace

Plot step_plot(const ModelRanking& ranking, Language language) {
  Plot plot{.title = say(language, kFirstSteps),
            .x_label = say(language, kLoggedStep),
            .y_label = say(language, kBatchLossMedian),
            .log_y = true,
            .series = {}};
  for (const RankingRow& row : ranking.rows)
    plot.series.push_back(band(row, longest(row, &SeedResult::step_losses), [](const SeedResult& s, std::size_t i) {
      return i < s.step_losses.size() ? std::optional<double>(s.step_losses[i]) : std::nullopt;
    }));
  return plot;
}

Plot epoch_plot(const ModelRanking& ranking, const std::vector<std::string>& published, Language language) {
  Plot plot{.title = say(language, kTestAccuracy),
            .x_label = say(language, kEpoch),
            .y_label = say(language, kPercentMedian),
            .series = {}};
  std::size_t epochs = 0;
  for (const RankingRow& row : ranking.rows) {
    epochs = std::max(epochs, longest(row, &SeedResult::rows));
    plot.series.push_back(band(row, longest(row, &SeedResult::rows), [](const SeedResult& s, std::size_t i) {
      return i < s.rows.size() ? std::optional<double>(100.0 * s.rows[i].test_accuracy) : std::nullopt;
    }));
  }
  for (const std::string& name : published) plot.series.push_back(published_series(name, epochs, language));
  return plot;
}

}  // namespace fanin
