// Executes planned runs as child processes and shows how far they are.
// SPDX-License-Identifier: MIT
#include "apps/study/comparison.h"
#include "apps/study/metrics.h"
#include "apps/study/progress.h"
#include "core/check.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

extern char** environ;

namespace fanin {

namespace {

struct Child {
  pid_t pid = 0;
  const PlannedRun* run = nullptr;
};

bool is_finished(const PlannedRun& run) {
  const RunState state = read_status(run.folder).state;
  return state == RunState::done || state == RunState::diverged;
}

// posix_spawn rather than fork: OpenMP's threads do not survive a fork.
pid_t start(const PlannedRun& run, const WorkOptions& options) {
  io::create_folders(run.folder);
  const io::Path settings = run.folder.parent_path() / (run.folder.filename().string() + ".toml");
  io::write_atomically(settings, to_toml(run.config));
  std::vector<std::string> words = {options.executable,
                                    "train",
                                    "--config",
                                    settings.string(),
                                    "--threads",
                                    std::to_string(options.threads),
                                    "--run",
                                    run.folder.string(),
                                    "--parent",
                                    std::to_string(::getpid())};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  const std::string log = (run.folder / "console.txt").string();
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  // A process group of its own: Ctrl-C reaches this process, which passes it on exactly once.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, options.executable.c_str(), &files, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  FANIN_CHECK(error == 0, output, "cannot start {}: {}", options.executable, std::strerror(error));
  return pid;
}

std::string name_of(const PlannedRun& run, const io::Path& out) { return run.folder.lexically_relative(out).string(); }

std::string last_line(const io::Path& log) {
  if (!std::filesystem::exists(log)) return "";
  std::string text = io::read_text(log);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

class Pool {
 public:
  Pool(const std::vector<PlannedRun>& runs, const io::Path& out, const WorkOptions& options)
      : out_(out), options_(options) {
    for (const PlannedRun& run : runs) {
      if (is_finished(run))
        ++result_.skipped;
      else
        waiting_.push_back(&run);
    }
    total_ = static_cast<int>(waiting_.size());
    eta_.begin(0.0);
  }

  WorkResult run(const std::atomic<int>& stop) {
    if (result_.skipped > 0)
      fmt::print("{} of {} runs are finished already\n", result_.skipped, result_.skipped + total_);
    bool told = false;
    std::size_t next = 0;
    while (!children_.empty() || (next < waiting_.size() && stop.load() == 0)) {
      while (stop.load() == 0 && next < waiting_.size() && static_cast<int>(children_.size()) < options_.jobs) {
        children_.push_back({start(*waiting_[next], options_), waiting_[next]});
        ++next;
      }
      if (stop.load() != 0 && !told) {
        for (const Child& child : children_) ::kill(child.pid, stop.load());
        told = true;
      }
      collect();
      show();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    clear();
    result_.interrupted = stop.load() != 0;
    return result_;
  }

 private:
  void collect() {
    for (std::size_t i = 0; i < children_.size();) {
      int status = 0;
      if (::waitpid(children_[i].pid, &status, WNOHANG) != children_[i].pid) {
        ++i;
        continue;
      }
      report(*children_[i].run, status);
      children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  void report(const PlannedRun& run, int status) {
    const RunStatus s = read_status(run.folder);
    clear();
    if (s.state == RunState::done || s.state == RunState::diverged) {
      ++result_.finished;
      const std::vector<EpochRow> rows = read_metrics(run.folder);
      const double left = eta_.seconds_left(work_done(), total_);
      fmt::print("{:>3}/{}  {:<60}  {}{}\n", result_.finished + result_.failed, total_, name_of(run, out_),
                 s.state == RunState::diverged ? s.reason
                 : rows.empty()                ? "no epoch"
                                : fmt::format("test accuracy {:.2f} %", 100.0 * rows.back().test_accuracy),
                 left > 0.5 ? fmt::format(", {} left", human_time(left)) : "");
    } else if (s.state != RunState::interrupted) {
      ++result_.failed;
      const std::string how = WIFEXITED(status) ? fmt::format("exit code {}", WEXITSTATUS(status))
                                                : fmt::format("signal {}", WTERMSIG(status));
      fmt::print("{:>3}/{}  {:<60}  failed ({}): {}\n", result_.finished + result_.failed, total_, name_of(run, out_),
                 how, last_line(run.folder / "console.txt"));
    }
    std::fflush(stdout);
  }

  // In runs, with parts of those under way.
  double work_done() const {
    double done = result_.finished + result_.failed;
    for (const Child& child : children_) {
      const RunStatus s = read_status(child.run->folder);
      done += std::min(0.99, static_cast<double>(s.epoch) / child.run->config.epochs);
    }
    return done;
  }

  void show() {
    const std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
    if (!live_ || now - last_ < std::chrono::milliseconds(500)) return;
    last_ = now;
    const double done = work_done(), left = eta_.seconds_left(done, total_);
    fmt::print("\r\x1b[K{} {}/{} runs, {} left", bar(total_ > 0 ? done / total_ : 1.0, 30),
               result_.finished + result_.failed, total_, left < 0.0 ? "?" : human_time(left));
    std::fflush(stdout);
    open_ = true;
  }
  void clear() {
    if (open_) fmt::print("\r\x1b[K");
    open_ = false;
  }

  const io::Path out_;
  const WorkOptions options_;
  std::vector<const PlannedRun*> waiting_;
  std::vector<Child> children_;
  WorkResult result_;
  int total_ = 0;
  bool live_ = terminal_output(), open_ = false;
  Eta eta_;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace

WorkResult execute(const std::vector<PlannedRun>& runs, const io::Path& out, const WorkOptions& options,
                   const std::atomic<int>& stop) {
  return Pool(runs, out, options).run(stop);
}

}  // namespace fanin
