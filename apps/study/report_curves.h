// The training curves of a report: a line per scheme, the median over seeds, with the quartiles and the whole range.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/figure.h"
#include "apps/study/ranking.h"

#include <string>
#include <vector>

namespace fanin {

// Losses of the first steps, and test accuracy per epoch with the named published curves behind.
Plot step_plot(const ModelRanking& ranking, Language language = Language::en);
Plot epoch_plot(const ModelRanking& ranking, const std::vector<std::string>& published,
                Language language = Language::en);

// Where schemes were compared at several learning rates: the median final accuracy of every scheme at each. Else no rows.
HeatMap rate_map(const ModelRanking& ranking, const std::string& title, Language language = Language::en);

}  // namespace fanin
