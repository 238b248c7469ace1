// The training curves of a report: one band per scheme, the median and quartiles over seeds.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/ranking.h"

#include <string>
#include <vector>

namespace fanin {

// Two plots as SVG: losses of the first steps, test accuracy per epoch with the named published curves behind.
std::string curve_plots(const ModelRanking& ranking, const std::vector<std::string>& published);

}  // namespace fanin
