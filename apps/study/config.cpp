// SPDX-License-Identifier: MIT
#include "apps/study/config.h"

#include "apps/study/scheme_file.h"
#include "core/check.h"
#include "core/rng.h"
#include "core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

template <auto kMember>
std::string get_value(const RunConfig& c) {
  using Value = std::remove_cvref_t<decltype(c.*kMember)>;
  if constexpr (std::is_same_v<Value, bool>)
    return c.*kMember ? "true" : "false";
  else if constexpr (requires { (c.*kMember).begin(); } && !std::is_same_v<Value, std::string>)
    return fmt::format("{}", fmt::join(c.*kMember, ","));
  else
    return fmt::format("{}", c.*kMember);
}

template <auto kMember>
void set_text(RunConfig& c, const std::string& text, const std::string& where) {
  FANIN_CHECK(!text.empty(), usage, "{} is empty; give a value", where);
  c.*kMember = text;
}

template <auto kMember>
void set_optional_text(RunConfig& c, const std::string& text, const std::string&) {
  c.*kMember = text;
}

template <auto kMember, long long kLeast, long long kMost>
void set_integer(RunConfig& c, const std::string& text, const std::string& where) {
  const std::optional<long long> value = parse_integer(text);
  FANIN_CHECK(value && *value >= kLeast && *value <= kMost, usage, "{} = '{}' must be a whole number from {} to {}",
              where, text, kLeast, kMost);
  c.*kMember = static_cast<std::remove_cvref_t<decltype(c.*kMember)>>(*value);
}

template <auto kMember>
void set_number(RunConfig& c, const std::string& text, const std::string& where) {
  const std::optional<double> value = parse_number(text);
  FANIN_CHECK(value && *value >= 0.0, usage, "{} = '{}' must be a number of at least 0", where, text);
  c.*kMember = *value;
}

template <auto kMember>
void set_boolean(RunConfig& c, const std::string& text, const std::string& where) {
  FANIN_CHECK(text == "true" || text == "false", usage, "{} = '{}' must be true or false", where, text);
  c.*kMember = text == "true";
}

template <auto kMember>
void set_words(RunConfig& c, const std::string& text, const std::string&) {
  (c.*kMember).clear();
  for (const std::string_view part : split(text, ',')) (c.*kMember).emplace_back(trim(part));
}

template <auto kMember>
void set_numbers(RunConfig& c, const std::string& text, const std::string& where) {
  (c.*kMember).clear();
  for (const std::string_view part : split(text, ',')) {
    const std::optional<double> value = parse_number(trim(part));
    FANIN_CHECK(value, usage, "{} = '{}' must be numbers separated by commas", where, text);
    (c.*kMember).push_back(*value);
  }
}

void set_scheme(RunConfig& c, const std::string& text, const std::string& where) {
  set_text<&RunConfig::scheme>(c, scheme_text(text, where), where);
}

using C = RunConfig;
constexpr long long kMany = 1'000'000'000;

constexpr SettingKind text = SettingKind::text, integer = SettingKind::integer, number = SettingKind::number,
                      boolean = SettingKind::boolean;

}  // namespace

const std::vector<Setting>& settings() {
  static const std::vector<Setting> table = {
      {"model", "What", text, true, "network: see `fanin list models`", get_value<&C::model>, set_text<&C::model>},
      {"data", "What", text, true, "synthetic[:train=N,test=N,seed=S], a cache of `fanin data import`, or a folder",
       get_value<&C::data>, set_text<&C::data>},
      {"scheme", "What", text, true, "initialization: see `fanin list schemes`; @FILE: rules, one a line",
       get_value<&C::scheme>, set_scheme},
      {"from", "What", text, true, "weights file to start from instead of the scheme (safetensors)",
       get_value<&C::from>, set_optional_text<&C::from>},
      {"fresh", "What", SettingKind::words, true, "with from: parameters that the scheme fills all the same: fc.*",
       get_value<&C::fresh>, set_words<&C::fresh>},
      {"stream", "What", text, true, "where initial weights are drawn: philox, or torch for PyTorch's own",
       get_value<&C::stream>, set_text<&C::stream>},
      {"seed", "What", integer, true, "one seed for weights, order, augmentation and dropout", get_value<&C::seed>,
       set_integer<&C::seed, 0, (1LL << 62)>},
      {"epochs", "How long", integer, true, "passes over the training set", get_value<&C::epochs>,
       set_integer<&C::epochs, 1, 1000000>},
      {"max_steps", "How long", integer, true, "stop after this many steps; 0: no limit", get_value<&C::max_steps>,
       set_integer<&C::max_steps, 0, kMany>},
      {"max_minutes", "How long", number, false, "stop after this time, to be resumed; 0: no limit",
       get_value<&C::max_minutes>, set_number<&C::max_minutes>},
      {"batch", "Optimizer", integer, true, "images per step", get_value<&C::batch>,
       set_integer<&C::batch, 1, 1000000>},
      {"lr", "Optimizer", number, true, "peak learning rate", get_value<&C::lr>, set_number<&C::lr>},
      {"optimizer", "Optimizer", text, true, "sgd, adam or adamw", get_value<&C::optimizer>, set_text<&C::optimizer>},
      {"momentum", "Optimizer", number, true, "sgd: momentum", get_value<&C::momentum>, set_number<&C::momentum>},
      {"dampening", "Optimizer", number, true, "sgd: dampening of the gradient in the momentum",
       get_value<&C::dampening>, set_number<&C::dampening>},
      {"nesterov", "Optimizer", boolean, true, "sgd: Nesterov momentum", get_value<&C::nesterov>,
       set_boolean<&C::nesterov>},
      {"weight_decay", "Optimizer", number, true, "weight decay", get_value<&C::weight_decay>,
       set_number<&C::weight_decay>},
      {"no_decay", "Optimizer", SettingKind::words, true, "groups without decay: bias, norm, scalar",
       get_value<&C::no_decay>, set_words<&C::no_decay>},
      {"beta1", "Optimizer", number, true, "adam: first moment", get_value<&C::beta1>, set_number<&C::beta1>},
      {"beta2", "Optimizer", number, true, "adam: second moment", get_value<&C::beta2>, set_number<&C::beta2>},
      {"epsilon", "Optimizer", number, true, "adam: epsilon", get_value<&C::epsilon>, set_number<&C::epsilon>},
      {"label_smoothing", "Optimizer", number, true, "share of the target spread over all classes",
       get_value<&C::label_smoothing>, set_number<&C::label_smoothing>},
      {"mixup", "Optimizer", number, true, "mix images and targets with shares from Beta(mixup, mixup); 0: never",
       get_value<&C::mixup>, set_number<&C::mixup>},
      {"clip_norm", "Optimizer", number, true, "scale gradients down to this norm; 0: never", get_value<&C::clip_norm>,
       set_number<&C::clip_norm>},
      {"lr_groups", "Optimizer", SettingKind::words, true,
       "learning rate of weight, bias, norm or scalar times a factor: scalar=0.1", get_value<&C::lr_groups>,
       set_words<&C::lr_groups>},
      {"reset_momentum", "Optimizer", boolean, true, "the optimizer starts anew at each drop of the learning rate",
       get_value<&C::reset_momentum>, set_boolean<&C::reset_momentum>},
      {"schedule", "Schedule", text, true, "constant, step, multistep, cosine or onecycle", get_value<&C::schedule>,
       set_text<&C::schedule>},
      {"warmup", "Schedule", number, true, "epochs of linear warm-up from 0", get_value<&C::warmup>,
       set_number<&C::warmup>},
      {"milestones", "Schedule", SettingKind::numbers, true, "multistep: after these many epochs",
       get_value<&C::milestones>, set_numbers<&C::milestones>},
      {"step_epochs", "Schedule", integer, true, "step: every so many epochs", get_value<&C::step_epochs>,
       set_integer<&C::step_epochs, 1, 1000000>},
      {"factor", "Schedule", number, true, "step, multistep: multiply the rate by this", get_value<&C::factor>,
       set_number<&C::factor>},
      {"final_factor", "Schedule", number, true, "cosine, onecycle: end at lr times this", get_value<&C::final_factor>,
       set_number<&C::final_factor>},
      {"rise", "Schedule", number, true, "onecycle: share of the run spent rising", get_value<&C::rise>,
       set_number<&C::rise>},
      {"augment", "Data", text, true, "none, or of crop[:pad=4:padding=black|mean|reflect], mirror, cutout:SIZE",
       get_value<&C::augment>, set_text<&C::augment>},
      {"normalize", "Data", text, true, "dataset (measured), or constants by name: see `fanin list normalizations`",
       get_value<&C::normalize>, set_text<&C::normalize>},
      {"train_size", "Data", integer, true, "use this many training images; 0: all", get_value<&C::train_size>,
       set_integer<&C::train_size, 0, kMany>},
      {"test_size", "Data", integer, true, "test on this many test images, the same for every seed; 0: all",
       get_value<&C::test_size>, set_integer<&C::test_size, 0, kMany>},
      {"validation", "Data", integer, true,
       "test on this many training images instead of the test set; 0: on the test set", get_value<&C::validation>,
       set_integer<&C::validation, 0, kMany>},
      {"drop_last", "Data", boolean, true, "drop an incomplete last batch", get_value<&C::drop_last>,
       set_boolean<&C::drop_last>},
      {"conv", "Machine", text, true,
       "convolutions: exact; fast: also Winograd F(4x4), whose rounding errors are about five times larger, and "
       "Strassen's algorithm for 1x1 (two to three times); bf16x6 or "
       "bf16x3: as fast, and 1x1 convolutions on the matrix unit (AMX) of recent Intel processors, in six products of "
       "bfloat16, as good as fp32, or in three, good to 14 bits",
       get_value<&C::conv>, set_text<&C::conv>},
      {"threads", "Machine", integer, false, "threads; 0: all cores. Results do not depend on it",
       get_value<&C::threads>, set_integer<&C::threads, 0, 1024>},
      {"log_every", "Machine", integer, false, "one line in steps.jsonl every so many steps", get_value<&C::log_every>,
       set_integer<&C::log_every, 1, kMany>},
      {"record", "Machine", boolean, false,
       "weights, and nodes on a fixed batch, at birth and after every epoch: "
       "record.csv, weight_histograms.csv, weight_gradients.csv, node_record.csv, node_histograms.csv",
       get_value<&C::record>, set_boolean<&C::record>},
      {"checkpoint_every", "Machine", integer, false, "also save every so many steps; 0: after epochs only",
       get_value<&C::checkpoint_every>, set_integer<&C::checkpoint_every, 0, kMany>},
  };
  return table;
}

void set_setting(RunConfig& config, std::string_view key, const std::string& text, const std::string& where) {
  std::vector<std::string> known;
  for (const Setting& s : settings()) {
    if (key == s.key) return s.set(config, text, where);
    known.emplace_back(s.key);
  }
  fail(ErrorKind::usage, "{}: unknown setting '{}'{}", where, key, did_you_mean(key, known));
}

std::string config_hash(const RunConfig& config) {
  std::string all;
  for (const Setting& s : settings())
    if (s.changes_results) all += std::string(s.key) + "=" + s.get(config) + "\n";
  return fmt::format("{:016x}", hash_bytes(all.data(), all.size()));
}

std::string difference(const RunConfig& a, const RunConfig& b) {
  std::vector<std::string> parts;
  for (const Setting& s : settings())
    if (s.changes_results && s.get(a) != s.get(b))
      parts.push_back(fmt::format("{}: {} -> {}", s.key, s.get(a), s.get(b)));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string command_line(const RunConfig& config) {
  const RunConfig defaults;
  std::string result;
  for (const Setting& s : settings()) {
    if (s.get(config) == s.get(defaults)) continue;
    std::string flag = s.key;
    std::replace(flag.begin(), flag.end(), '_', '-');
    result += fmt::format("{}--{} {}", result.empty() ? "" : " ", flag, shell_word(s.get(config)));
  }
  return result;
}

}  // namespace fanin
