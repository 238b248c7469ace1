// SPDX-License-Identifier: MIT
#include "apps/study/run.h"

#include "apps/study/environment.h"
#include "apps/study/metrics.h"
#include "apps/study/run_record.h"
#include "apps/study/session.h"
#include "core/check.h"
#include "core/io/lock.h"
#include "core/text.h"
#include "core/train/checkpoint.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

namespace fanin {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view state_names[] = {"fresh", "running", "done", "diverged", "interrupted", "failed"};

void write_status(const io::Path& folder, const RunStatus& s) {
  const nlohmann::ordered_json json = {{"state", to_string(s.state)}, {"epoch", s.epoch}, {"step", s.step},
                                       {"reason", s.reason},          {"node", s.node},   {"waited", s.waited}};
  io::write_atomically(folder / "status.json",
                       json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

// One execution of a run: the files around a Trainer.
class Execution : public TrainObserver {
 public:
  Execution(const RunConfig& config, const io::Path& folder, RunWatcher& watcher, const std::atomic<int>& stop)
      : config_(config),
        folder_(folder),
        watcher_(watcher),
        stop_(stop),
        session_(open_session(config, Mode::train, needs_gradients(config))),
        trainer_(session_->model.network, *session_->train, session_->test.get(), train_options(config)) {}

  RunStatus run() {
    if (std::filesystem::exists(checkpoint()))
      resume();
    else
      begin();
    watcher_.begin(config_, trainer_.progress(), session_->train->batches_per_epoch());
    status(RunState::running);
    record_.start(trainer_.progress().step == 0);
    switch (trainer_.run(*this)) {
      case TrainResult::interrupted:
        save();
        status(RunState::interrupted);
        break;
      case TrainResult::diverged:
        status_.node = trainer_.divergence().node;
        status_.reason = fmt::format("diverged in step {} at {}: {}", trainer_.divergence().step,
                                     trainer_.divergence().node, trainer_.divergence().detail);
        status(RunState::diverged);
        break;
      case TrainResult::finished:
        save_weights(folder_ / "weights.safetensors", net(), weights_metadata());
        status(RunState::done);
        break;
    }
    say(fmt::format("{} after step {}{}{}", to_string(status_.state), status_.step, status_.reason.empty() ? "" : ": ",
                    status_.reason));
    return status_;
  }

 private:
  void open_log() {
    const io::Path log = folder_ / "log.txt";
    log_ = io::Appender(log, std::filesystem::exists(log) ? std::filesystem::file_size(log) : 0);
  }

  // One line of log.txt, with the time (UTC).
  void say(const std::string& sentence) {
    log_.append(fmt::format("{:%Y-%m-%d %H:%M:%S} {}\n", fmt::gmtime(std::time(nullptr)), sentence));
  }

  Network& net() { return session_->model.network; }
  io::Path checkpoint() const { return folder_ / "last.safetensors"; }
  Metadata weights_metadata() const {
    return {{"format", "fanin-weights"},
            {"model", config_.model},
            {"scheme", config_.scheme},
            {"classes", std::to_string(session_->dataset.classes())}};
  }

  void begin() {
    io::write_atomically(folder_ / "config.toml", to_toml(config_));  // first: it makes the folder a run
    open_log();
    io::write_atomically(folder_ / "env.json", environment_json());
    session_->initialize();
    save_weights(folder_ / "init.safetensors", net(), weights_metadata());
    steps_ = io::Appender(folder_ / "steps.jsonl", 0);
    say(fmt::format("begun: fanin train {}", command_line(config_)));
    save();
  }

  void resume() {
    open_log();
    const Metadata m = load_checkpoint(checkpoint(), net(), trainer_.optimizer(), trainer_.progress());
    const Metadata::const_iterator data = m.find("data"), length = m.find("steps_bytes");
    FANIN_CHECK(data != m.end() && length != m.end(), input, "{} is not a checkpoint of a run", checkpoint().string());
    FANIN_CHECK(
        data->second == session_->dataset.fingerprint, input,
        "{}: the data set has changed since this run began (was {}, is {}); use the same data or a new --run folder",
        folder_.string(), data->second, session_->dataset.fingerprint);
    steps_ =
        io::Appender(folder_ / "steps.jsonl", static_cast<std::uint64_t>(parse_integer(length->second).value_or(0)));
    io::write_atomically(folder_ / "metrics.csv", metrics_csv(trainer_.progress().rows));
    const std::string sentence =
        fmt::format("resuming at epoch {}, step {}", trainer_.progress().epoch, trainer_.progress().step);
    say(sentence);
    watcher_.note(sentence);
  }

  void save() {
    steps_.sync();
    save_checkpoint(checkpoint(), net(), trainer_.optimizer(), trainer_.progress(),
                    {{"data", session_->dataset.fingerprint},
                     {"steps_bytes", std::to_string(steps_.size())},
                     {"config", config_hash(config_)}});
    io::write_atomically(folder_ / "metrics.csv", metrics_csv(trainer_.progress().rows));
  }

  void status(RunState state) {
    status_.state = state;
    status_.epoch = static_cast<int>(trainer_.progress().rows.size());
    status_.step = trainer_.progress().step;
    write_status(folder_, status_);
    last_status_ = Clock::now();
  }

  void after_step(const StepRow& s, const TrainProgress& p) override {
    if (s.step % config_.log_every == 0)
      steps_.append(fmt::format("{{\"step\":{},\"epoch\":{},\"loss\":{},\"accuracy\":{},\"lr\":{}}}\n", s.step, s.epoch,
                                s.loss, s.accuracy, s.learning_rate));
    if (config_.checkpoint_every > 0 && s.step % config_.checkpoint_every == 0) save();
    if (Clock::now() - last_status_ > std::chrono::seconds(1))
      status(RunState::running);  // for those who watch the folder
    record_.after_step();
    watcher_.after_step(s, p);
  }

  void after_epoch(const EpochRow& row, const TrainProgress& p) override {
    record_.after_epoch(row);
    save();
    if (config_.validation > 0 && is_best(p.rows))
      save_weights(folder_ / "best.safetensors", net(), weights_metadata());
    status_.waited = row.waited_share();
    status(RunState::running);
    say(fmt::format("epoch {}: train loss {:.4f}, test accuracy {:.2f} %, {:.2f} % of the time waiting for images",
                    row.epoch, row.train_loss, 100.0 * row.test_accuracy, 100.0 * row.waited_share()));
    watcher_.after_epoch(row, p);
  }

  static bool is_best(const std::vector<EpochRow>& rows) {
    return std::all_of(rows.begin(), rows.end() - 1,
                       [&](const EpochRow& r) { return r.test_accuracy < rows.back().test_accuracy; });
  }

  bool should_stop() override {
    const std::chrono::duration<double, std::ratio<60>> minutes = Clock::now() - began_;
    return stop_.load() != 0 || watcher_.should_stop() ||
           (config_.max_minutes > 0.0 && minutes.count() >= config_.max_minutes);
  }

  const RunConfig config_;
  const io::Path folder_;
  RunWatcher& watcher_;
  const std::atomic<int>& stop_;
  std::unique_ptr<Session> session_;
  Trainer trainer_;
  RunRecord record_{*session_, folder_};
  io::Appender steps_, log_;
  RunStatus status_;
  Clock::time_point last_status_, began_ = Clock::now();
};

}  // namespace

void check_same_config(const RunConfig& config, const io::Path& folder) {
  if (!std::filesystem::exists(folder / "config.toml")) return;
  RunConfig before;
  read_toml(before, folder / "config.toml");
  const std::string changes = difference(before, config);
  FANIN_CHECK(changes.empty(), usage,
              "{} holds a run with other settings ({}); choose another folder or the old settings", folder.string(),
              changes);
}

std::string_view to_string(RunState state) { return state_names[static_cast<std::size_t>(state)]; }

RunStatus read_status(const io::Path& folder) {
  const io::Path path = folder / "status.json";
  if (!std::filesystem::exists(path)) return {};
  const nlohmann::json json = nlohmann::json::parse(io::read_text(path), nullptr, false);
  FANIN_CHECK(json.is_object() && json.value("state", nlohmann::json()).is_string(), input,
              "{} is damaged; remove it to resume from the checkpoint", path.string());
  RunStatus s;
  try {
    const std::string name = json.at("state");
    const std::string_view* const found = std::find(std::begin(state_names), std::end(state_names), name);
    FANIN_CHECK(found != std::end(state_names), input,
                "{}: unknown state '{}'; remove the file to resume from the checkpoint", path.string(), name);
    s.state = static_cast<RunState>(found - std::begin(state_names));
    s.epoch = json.at("epoch");
    s.step = json.at("step");
    s.reason = json.at("reason");
    s.node = json.at("node");
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::input, "{} is damaged ({}); remove it to resume from the checkpoint", path.string(), error.what());
  }
  return s;
}

RunStatus execute_run(const RunConfig& config, const io::Path& folder, RunWatcher& watcher,
                      const std::atomic<int>& stop) {
  check(config);
  const bool had_config = std::filesystem::exists(folder / "config.toml");
  if (!had_config && std::filesystem::exists(folder) && std::filesystem::is_directory(folder))
    for (const std::filesystem::directory_entry& entry : std::filesystem::directory_iterator(folder))
      FANIN_CHECK(entry.path().filename() == ".lock" || entry.path().filename() == "console.txt" ||
                      entry.path().extension() == ".tmp",
                  usage, "{} is not empty and not a run; choose another --run folder", folder.string());
  // A new run is opened before its folder is made: a wrong model or missing data must leave no trace.
  std::unique_ptr<Execution> execution;
  if (!std::filesystem::exists(folder)) execution = std::make_unique<Execution>(config, folder, watcher, stop);
  io::create_folders(folder);
  const io::FileLock lock(folder / ".lock");
  io::remove_leftovers(folder);
  check_same_config(config, folder);
  const RunStatus before = read_status(folder);
  if (before.state == RunState::done || before.state == RunState::diverged) {
    watcher.note(fmt::format("{} is {} already: nothing to do", folder.string(), to_string(before.state)));
    return before;
  }
  if (!execution) execution = std::make_unique<Execution>(config, folder, watcher, stop);
  return execution->run();
}

}  // namespace fanin
