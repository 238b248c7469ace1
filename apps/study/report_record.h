// What a comparison's page shows of runs with `record` (run_record.h): of the first seed of every scheme, epoch by epoch.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/figure.h"
#include "apps/study/ranking.h"

#include <set>
#include <vector>

namespace fanin {

struct RecordFigures {
  std::vector<HistogramStack> weights;            // of at most four weights from input to output
  std::vector<Plot> nodes;                        // rms of values and of gradients by node, at birth and at the end
  std::vector<HistogramStack> values, gradients;  // of at most four convolutions and linear layers
};

// Empty where nothing was recorded.
RecordFigures record_figures(const Comparison& comparison, const ModelRanking& ranking, const io::Path& out,
                             Language language = Language::en);

// So that a page stays small: all epochs, or kMostFrames of them in equal steps, with the first and the last.
inline constexpr std::size_t kMostFrames = 26;
std::vector<int> epochs_shown(const std::set<int>& epochs);

}  // namespace fanin
