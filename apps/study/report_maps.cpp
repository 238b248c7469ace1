// SPDX-License-Identifier: MIT
#include "apps/study/record.h"
#include "apps/study/report_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

namespace fanin {

HeatMap rate_map(const ModelRanking& ranking, const std::string& title) {
  HeatMap map{.title = title,
              .x_label = "learning rate",
              .y_label = "scheme",
              .value_label = "%, median over seeds",
              .columns = {},
              .rows = {},
              .values = {}};
  std::set<double> rates;
  std::set<std::string> schemes;
  for (const RankingRow& row : ranking.rows) {
    rates.insert(row.rate);
    schemes.insert(row.scheme);
  }
  if (schemes.size() == ranking.rows.size()) return map;
  for (const double rate : rates) map.columns.push_back(fmt::format("{:g}", rate));
  for (auto row = ranking.rows.rbegin(); row != ranking.rows.rend(); ++row) {  // the best on top
    auto at = std::find(map.rows.begin(), map.rows.end(), row->scheme);
    if (at != map.rows.end()) {  // its better rate decides where a scheme is
      map.values.erase(map.values.begin() + (at - map.rows.begin()));
      map.rows.erase(at);
    }
    map.rows.push_back(row->scheme);
    map.values.emplace_back(rates.size(), std::numeric_limits<double>::quiet_NaN());
  }
  for (const RankingRow& row : ranking.rows) {
    if (row.seeds.empty()) continue;
    const auto r = std::find(map.rows.begin(), map.rows.end(), row.scheme) - map.rows.begin(),
               c = std::distance(rates.begin(), rates.find(row.rate));
    map.values[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)] = 100.0 * row.final_accuracy.median;
  }
  return map;
}

std::vector<HistogramStack> weight_stacks(const Comparison& c, const ModelRanking& ranking, const io::Path& out) {
  struct Recorded {
    std::string label;
    std::vector<WeightHistogram> rows;
  };
  std::vector<Recorded> all;
  for (const RankingRow& row : ranking.rows)
    for (const PlannedRun& run : planned_runs(c, out))
      if (run.config.model == ranking.model && run.config.scheme == row.scheme && run.config.lr == row.rate &&
          run.config.seed == c.seeds.front())
        all.push_back({row.label(), read_weight_histograms(run.folder / "weight_histograms.csv")});
  std::vector<std::string> weights;
  std::set<int> epochs;
  for (const Recorded& r : all)
    for (const WeightHistogram& h : r.rows) {
      epochs.insert(h.epoch);
      if (std::find(weights.begin(), weights.end(), h.weight) == weights.end()) weights.push_back(h.weight);
    }
  std::vector<HistogramStack> stacks;
  const std::size_t count = std::min<std::size_t>(4, weights.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& weight = weights[count == 1 ? 0 : i * (weights.size() - 1) / (count - 1)];
    HistogramStack stack{.title = weight, .x_label = "weight", .slider_label = "epoch", .frames = {}};
    for (const int epoch : epochs) {
      HistogramFrame frame{epoch == 0 ? "birth" : fmt::format("{}", epoch), {}};
      for (const Recorded& r : all)
        for (const WeightHistogram& h : r.rows)
          if (h.epoch == epoch && h.weight == weight)
            frame.series.push_back({r.label, h.histogram.low, h.histogram.high, h.histogram.counts});
      stack.frames.push_back(std::move(frame));
    }
    stacks.push_back(std::move(stack));
  }
  return stacks;
}

}  // namespace fanin
