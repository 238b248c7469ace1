// A learning rate of its own for every scheme on every network, at an equal price: each is tried at the same rates with
// the same seeds and tested on images that are kept from training. The test set and the comparison's seeds take no part.
// With a train size a trial has as many steps as a run of the comparison; without, it lacks the images that test it.
// Without tuning, the one rate that all share favours the schemes that it suits.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/ranking.h"

#include <string>
#include <vector>

namespace fanin {

void check_tuning(const Comparison& comparison);  // throws ErrorKind::usage

// The runs that choose. Their seeds are 1001, 1002, ...
Comparison tuning_comparison(const Comparison& comparison);
io::Path tuning_folder(const io::Path& out);

// The highest median validation accuracy; of equals, the smallest rate. A diverged run counts as chance.
std::vector<TunedRate> choose_rates(const std::vector<ModelRanking>& rankings);
std::vector<ModelRanking> tuning_rankings(const Comparison& comparison, const io::Path& out);

bool at_edge(const Comparison& comparison, double rate);  // the smallest or the largest that was tried
std::string tuning_sentence(const Comparison& comparison, Language language = Language::en);

}  // namespace fanin
