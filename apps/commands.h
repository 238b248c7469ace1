// The subcommands of `fanin`. Each add_* registers one; its callback does the work, throws Error, and may set the exit
// code.
// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>

#include <atomic>

namespace fanin {

struct CommandContext {
  int exit_code = 0;
  std::string executable;  // path of this program, for commands that start runs
};

void add_train_command(CLI::App& app, CommandContext& context);
void add_compare_command(CLI::App& app, CommandContext& context);
void add_demo_command(CLI::App& app, CommandContext& context);
void add_report_command(CLI::App& app);
void add_probe_command(CLI::App& app);
void add_eval_command(CLI::App& app);
void add_predict_command(CLI::App& app);
void add_init_command(CLI::App& app);
void add_explain_command(CLI::App& app);
void add_fans_command(CLI::App& app);
void add_check_init_command(CLI::App& app, CommandContext& context);
void add_grad_command(CLI::App& app);
void add_recipe_command(CLI::App& app);
void add_summary_command(CLI::App& app);
void add_graph_command(CLI::App& app);
void add_kernels_command(CLI::App& app);
void add_bench_command(CLI::App& app);
void add_bench_conv_command(CLI::App& bench);
void add_list_command(CLI::App& app);
void add_lesson_command(CLI::App& app);

// The first Ctrl-C or SIGTERM is stored here (its number) and asks the work to save and end; the second ends the
// process at once.
extern std::atomic<int> stop_signal;
void catch_stop_signals();
// Saves and ends, as by SIGTERM, when process `parent` is gone: a worker must not outlive its comparison.
void end_with_parent(int parent);

inline constexpr int kExitDiverged = 8;
inline constexpr int kExitSignalBase = 128;  // 130 after Ctrl-C, 143 after SIGTERM

}  // namespace fanin
