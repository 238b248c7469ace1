// A comparison on several networks at a glance: what each scheme reaches on each network, how it ranks over all of them.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/figure.h"
#include "apps/study/ranking.h"

#include <string>
#include <vector>

namespace fanin {

// Of a scheme with several learning rates, the better one counts.
struct SchemeOverview {
  std::string scheme;
  int networks = 0;      // on which it has finished runs
  double mean_rank = 0;  // of its median among the schemes', 1 the best; equals share the mean of their places
  int best = 0;          // networks where it is the best, or no difference to the best was found
  int worse = 0;         // networks where the interval of the difference excludes 0
};

std::vector<SchemeOverview> overview(const std::vector<ModelRanking>& rankings);  // by mean rank
// Median final accuracy in %.
HeatMap overview_map(const std::vector<ModelRanking>& rankings, Language language = Language::en);
std::string overview_sentence(const std::vector<ModelRanking>& rankings, Language language = Language::en);

// The head and the rows of a table of them.
std::vector<std::string> overview_head(Language language = Language::en);
std::vector<std::vector<std::string>> overview_rows(const std::vector<ModelRanking>& rankings);
std::string overview_markdown(const std::vector<ModelRanking>& rankings);  // empty for a single network

}  // namespace fanin
