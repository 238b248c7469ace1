// SPDX-License-Identifier: MIT
#include "apps/study/overview.h"

#include "apps/study/report_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

namespace fanin {

namespace {

double rank_in(const std::vector<const RankingRow*>& rows, const RankingRow& row) {
  int above = 0, equal = 0;
  for (const RankingRow* other : rows) {
    above += other->final_accuracy.median > row.final_accuracy.median;
    equal += other->final_accuracy.median == row.final_accuracy.median;
  }
  return above + (equal + 1) / 2.0;
}

}  // namespace

std::vector<SchemeOverview> overview(const std::vector<ModelRanking>& rankings) {
  std::map<std::string, SchemeOverview> by_scheme;
  for (const ModelRanking& ranking : rankings) {
    const std::vector<const RankingRow*> rows = best_rows(ranking);
    for (const RankingRow* row : rows) {
      SchemeOverview& o = by_scheme[row->scheme];
      o.scheme = row->scheme;
      ++o.networks;
      o.mean_rank += rank_in(rows, *row);
      o.best += row->verdict == kBest.en || row->verdict == kNoDifference.en;
      o.worse += row->verdict == kWorse.en;
    }
  }
  std::vector<SchemeOverview> result;
  for (auto& [scheme, o] : by_scheme) {
    o.mean_rank /= o.networks;
    result.push_back(std::move(o));
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const SchemeOverview& a, const SchemeOverview& b) { return a.mean_rank < b.mean_rank; });
  return result;
}

HeatMap overview_map(const std::vector<ModelRanking>& rankings, Language language) {
  HeatMap map{.title = say(language, kEverywhere),
              .x_label = say(language, kNetwork),
              .y_label = say(language, kScheme),
              .value_label = say(language, kPercentMedian),
              .columns = {},
              .rows = {},
              .values = {}};
  const std::vector<SchemeOverview> schemes = overview(rankings);
  for (auto o = schemes.rbegin(); o != schemes.rend(); ++o) {  // the best on top
    map.rows.push_back(o->scheme);
    map.values.emplace_back();
    for (const ModelRanking& ranking : rankings) {
      double value = std::numeric_limits<double>::quiet_NaN();
      for (const RankingRow* row : best_rows(ranking))
        if (row->scheme == o->scheme) value = 100.0 * row->final_accuracy.median;
      map.values.back().push_back(value);
    }
  }
  for (const ModelRanking& ranking : rankings) map.columns.push_back(ranking.model);
  return map;
}

std::string overview_sentence(const std::vector<ModelRanking>& rankings, Language language) {
  int intervals = 0, excluding = 0;
  for (const ModelRanking& ranking : rankings)
    for (const RankingRow& row : ranking.rows) {
      intervals += row.interval.has_value();
      excluding += row.verdict == kWorse.en || row.verdict == kBetter.en;
    }
  return say(language, kManyIntervals, excluding, intervals, 0.05 * intervals);
}

std::vector<std::string> overview_head(Language language) {
  std::vector<std::string> head;
  for (const Text& text : {kScheme, kNetworkCount, kMeanRank, kBestOrEqual, kWorseThanBest})
    head.push_back(say(language, text));
  return head;
}

std::vector<std::vector<std::string>> overview_rows(const std::vector<ModelRanking>& rankings) {
  std::vector<std::vector<std::string>> rows;
  for (const SchemeOverview& o : overview(rankings))
    rows.push_back({o.scheme, std::to_string(o.networks), fmt::format("{:.2f}", o.mean_rank), std::to_string(o.best),
                    std::to_string(o.worse)});
  return rows;
}

std::string overview_markdown(const std::vector<ModelRanking>& rankings) {
  if (rankings.size() < 2) return "";
  const std::vector<std::string> head = overview_head();
  std::string text = fmt::format("### All networks\n\n| {} |\n|", fmt::join(head, " | "));
  for (std::size_t i = 0; i < head.size(); ++i) text += " --- |";
  text += "\n";
  for (const std::vector<std::string>& row : overview_rows(rankings))
    text += fmt::format("| {} |\n", fmt::join(row, " | "));
  return text + "\n" + overview_sentence(rankings) + "\n\n";
}

}  // namespace fanin
