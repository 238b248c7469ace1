// report.html of a comparison: a page (page.h). In the order in which it teaches: the signal at birth, the first
// hundred steps, test accuracy per epoch, the ranking with its intervals, what diverged, how to repeat it.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/ranking.h"

namespace fanin {

// Writes ranking.csv, ranking.md and report.html from the folders alone; returns the rankings.
std::vector<ModelRanking> write_results(const Comparison& comparison, const io::Path& out,
                                        Language language = Language::en);

std::string report_html(const Comparison& comparison, const std::vector<ModelRanking>& rankings, const io::Path& out,
                        Language language = Language::en);

}  // namespace fanin
