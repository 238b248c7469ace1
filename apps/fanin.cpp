// The command line: parsing, and the translation of errors into one sentence and an exit code.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/data_command.h"
#include "apps/study/environment.h"
#include "apps/study/memory.h"
#include "apps/waiting.h"
#include "core/check.h"
#include "core/text.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <new>

namespace {

constexpr const char* kFooter =
    "First steps:\n"
    "  fanin demo                              five schemes on built-in images, three minutes\n"
    "  fanin lesson list                       a course: predict, run a classic experiment, see what holds\n"
    "  fanin list schemes                      what initializers there are\n"
    "  fanin summary wrn-16-1                  layers, parameters, fans, memory\n"
    "  fanin train --epochs 2 --run runs/a     train on the built-in synthetic images\n"
    "  fanin compare --help                    compare schemes over paired seeds\n"
    "Exit codes: 0 done, 1 internal error, 2 usage, 3 bad input file, 4 shapes do not fit, 5 cannot write, 6 not "
    "enough memory,\n"
    "            7 another process holds the run, 8 diverged, 130 Ctrl-C, 143 terminated.";

int run(int argc, char** argv) {
  CLI::App app("fanin trains small CNNs on a CPU to compare weight initializations.", "fanin");
  app.set_version_flag("--version", "fanin " + fanin::version());
  app.footer(kFooter);
  fanin::CommandContext context;
  context.executable = "/proc/self/exe";
  fanin::add_demo_command(app, context);
  fanin::add_compare_command(app, context);
  fanin::add_report_command(app);
  fanin::add_init_command(app);
  fanin::add_explain_command(app);
  fanin::add_fans_command(app);
  fanin::add_check_init_command(app, context);
  fanin::add_probe_command(app);
  fanin::add_train_command(app, context);
  fanin::add_data_command(app);
  fanin::add_eval_command(app);
  fanin::add_predict_command(app);
  fanin::add_summary_command(app);
  fanin::add_graph_command(app);
  fanin::add_grad_command(app);
  fanin::add_recipe_command(app);
  fanin::add_kernels_command(app);
  fanin::add_bench_command(app);
  fanin::add_list_command(app);
  fanin::add_lesson_command(app);

  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    known.push_back(command->get_name());
  if (argc > 1 && argv[1][0] != '-' && std::find(known.begin(), known.end(), argv[1]) == known.end())
    fanin::fail(fanin::ErrorKind::usage, "unknown command '{}'{}", argv[1], fanin::did_you_mean(argv[1], known));
  if (argc == 1) {
    fmt::print("{}", app.help());
    return 0;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    fmt::print(stderr, "fanin: {}; see fanin {} --help\n", error.what(), argc > 1 && argv[1][0] != '-' ? argv[1] : "");
    return static_cast<int>(fanin::ErrorKind::usage);
  }
  return context.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  fanin::limit_spinning(argv);
  fanin::return_large_blocks();
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away must not kill a training run
  try {
    return run(argc, argv);
  } catch (const fanin::Error& error) {
    fmt::print(stderr, "fanin: {}\n", error.what());
    return error.exit_code();
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "fanin: out of memory; use a smaller --batch or network\n");
    return static_cast<int>(fanin::ErrorKind::memory);
  } catch (const std::exception& error) {
    fmt::print(stderr, "fanin: internal error: {}\n", error.what());
    return 1;
  }
}
