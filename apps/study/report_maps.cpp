// SPDX-License-Identifier: MIT
#include "apps/study/report_curves.h"

#include "apps/study/report_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

namespace fanin {

HeatMap rate_map(const ModelRanking& ranking, const std::string& title, Language language) {
  HeatMap map{.title = title,
              .x_label = say(language, kLearningRate),
              .y_label = say(language, kScheme),
              .value_label = say(language, kPercentMedian),
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

}  // namespace fanin
