// What `fanin compare` and `fanin demo` do once they know what to compare.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/commands.h"
#include "apps/study/comparison.h"
#include "apps/study/ranking.h"

#include <CLI/CLI.hpp>

namespace fanin {

struct Workers {
  int jobs = 0, threads = 0;  // 0: one job per core; threads shared out among jobs
  void add(CLI::App& command);
};

// What was typed, so that the report can say how to repeat it. Recomputed from the values: no path of this machine gets
// in but the data's.
std::string command_of(const Comparison& comparison);

// Tunes where asked, runs what is not finished, writes and prints the results. Returns the exit code.
int run_comparison(Comparison comparison, const io::Path& out, const CommandContext& context, const Workers& workers,
                   Language language = Language::en);

void print_results(const std::vector<ModelRanking>& rankings, const io::Path& out);

}  // namespace fanin
