// The result of a comparison as numbers: one row per scheme (and learning rate) of a model, best first, with its n.
// A diverged run counts with chance accuracy, 1 / classes: it is shown and counted, never dropped.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/comparison.h"
#include "apps/study/statistics.h"
#include "apps/study/text.h"

#include <optional>
#include <string>
#include <vector>

namespace fanin {

struct SeedResult {
  std::uint64_t seed = 0;
  RunStatus status;
  std::vector<EpochRow> rows;
  std::vector<double> step_losses;  // of the first steps, from steps.jsonl
  double final_accuracy = 0;        // of the last epoch; chance if it diverged
};

struct RankingRow {
  std::string scheme;
  double rate = 0;
  std::vector<SeedResult> seeds;  // finished runs only, in the order of Comparison::seeds
  int diverged = 0;
  Quartiles final_accuracy;
  double area = 0;                         // mean test accuracy over epochs and seeds
  std::optional<double> epochs_to_target;  // median over seeds that reach it
  int reached = 0;                         // seeds that reach the target
  std::optional<double> difference;        // mean paired difference to the first row
  std::optional<Interval> interval;        // of it
  std::string verdict;                     // "best", "worse", "no difference found", "too few seeds"
  std::string label() const;               // scheme, with the rate where several are compared
  bool show_rate = false;
};

struct ModelRanking {
  std::string model;
  int classes = 0;
  double target = 0;
  std::vector<RankingRow> rows;
  int missing = 0;  // planned runs that are not finished
};

std::vector<ModelRanking> rank(const Comparison& comparison, const io::Path& out);

// Of each scheme with finished runs the row of its best learning rate, of equals the smallest; best first.
std::vector<const RankingRow*> best_rows(const ModelRanking& ranking);

std::string ranking_table(const ModelRanking& ranking);  // for a terminal
std::string ranking_markdown(const std::vector<ModelRanking>& rankings);
std::string ranking_csv(const std::vector<ModelRanking>& rankings);
std::string target_sentence(const ModelRanking& ranking, Language language = Language::en);

}  // namespace fanin
