// Every setting of a run in one table: it serves the command line, TOML files, the effective configuration in a run's
// folder, its hash, and the difference between two of them. Precedence: defaults, then the TOML file, then the command
// line.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/io/file.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fanin {

struct RunConfig {
  std::string model = "wrn-16-1", data = "synthetic", scheme = "kaiming_normal", stream = "philox";
  int epochs = 5, batch = 128;
  double lr = 0.1;
  std::uint64_t seed = 1;
  int threads = 0;  // 0: every core this process may use
  std::string conv = "exact";

  std::string optimizer = "sgd";
  double momentum = 0.9, dampening = 0.0, weight_decay = 5e-4, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  bool nesterov = true;
  std::vector<std::string> no_decay;

  std::string schedule = "cosine";
  double warmup = 0.0, factor = 0.1, final_factor = 0.0, rise = 0.3;
  int step_epochs = 30;
  std::vector<double> milestones;
  double label_smoothing = 0.0, mixup = 0.0, clip_norm = 0.0;
  bool reset_momentum = false;
  std::vector<std::string> lr_groups;

  std::string augment = "crop,mirror", normalize = "dataset";
  int train_size = 0, test_size = 0, validation = 0;
  bool drop_last = true;

  std::int64_t max_steps = 0;
  int log_every = 1, checkpoint_every = 0;
  bool record = false;
  double max_minutes = 0.0;
  std::string from;
  std::vector<std::string> fresh;
};

enum class SettingKind { text, integer, number, boolean, words, numbers };

struct Setting {
  const char* key;    // TOML key; the command line has --key with '-' for '_'
  const char* group;  // of --help
  SettingKind kind;
  bool changes_results;  // false: not part of the hash
  const char* help;
  std::string (*get)(const RunConfig&);
  void (*set)(RunConfig&, const std::string& text,
              const std::string& where);  // throws ErrorKind::usage, naming `where`
};

const std::vector<Setting>& settings();
void set_setting(RunConfig& config, std::string_view key, const std::string& text, const std::string& where);

// Reads a TOML file into `config`. Unknown keys and wrong types are errors that name file and line.
void read_toml(RunConfig& config, const io::Path& path);
void read_toml_text(RunConfig& config, const std::string& content, const std::string& source);
std::string to_toml(const RunConfig& config);  // every setting, with its help as comment

void check(const RunConfig& config);               // values that no run could use; throws ErrorKind::usage
std::string config_hash(const RunConfig& config);  // 16 hexadecimal digits over the settings that change results
std::string difference(const RunConfig& a,
                       const RunConfig& b);         // "lr: 0.1 -> 0.2, epochs: 5 -> 6"; empty if results cannot differ
std::string command_line(const RunConfig& config);  // the options of `fanin train` that differ from the defaults

}  // namespace fanin
