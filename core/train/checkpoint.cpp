// SPDX-License-Identifier: MIT
#include "core/train/checkpoint.h"

#include "core/check.h"
#include "core/text.h"

#include <fmt/format.h>

#include <charconv>

namespace fanin {

namespace {

// --- numbers in metadata: exact and independent of the locale

std::string exact(double value) { return fmt::format("{:a}", value); }

double exact_double(const std::string& text, const std::string& source) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  if (digits.starts_with("0x")) digits.remove_prefix(2);
  double value = 0.0;
  const std::from_chars_result result =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::hex);
  FANIN_CHECK(result.ec == std::errc() && result.ptr == digits.data() + digits.size(), input,
              "{}: '{}' is not a number of a checkpoint", source, text);
  return negative ? -value : value;
}

std::string row_text(const EpochRow& r) {
  return fmt::format("{} {} {} {} {} {} {} {} {:x}", r.epoch, exact(r.train_loss), exact(r.train_accuracy),
                     exact(r.test_loss), exact(r.test_accuracy), exact(r.learning_rate), exact(r.seconds),
                     exact(r.images_per_second), r.weights_hash);
}

EpochRow parse_row(std::string_view text, const std::string& source) {
  const std::vector<std::string_view> f = split(text, ' ');
  FANIN_CHECK(f.size() == 9, input, "{}: a metrics row of the checkpoint has {} fields instead of 9", source, f.size());
  const auto number = [&](std::size_t i) { return exact_double(std::string(f[i]), source); };
  EpochRow r{.epoch = static_cast<int>(parse_integer(f[0]).value_or(0)),
             .train_loss = number(1),
             .train_accuracy = number(2),
             .test_loss = number(3),
             .test_accuracy = number(4),
             .learning_rate = number(5),
             .seconds = number(6),
             .images_per_second = number(7),
             .weights_hash = 0};
  const std::from_chars_result hash = std::from_chars(f[8].data(), f[8].data() + f[8].size(), r.weights_hash, 16);
  FANIN_CHECK(hash.ec == std::errc(), input, "{}: '{}' is not a weights hash", source, f[8]);
  return r;
}

// What a checkpoint's metadata must hold.
class Progress {
 public:
  Progress(const Metadata& metadata, const std::string& source) : metadata_(metadata), source_(source) {}
  const std::string& text(const std::string& key) const {
    const Metadata::const_iterator found = metadata_.find(key);
    FANIN_CHECK(found != metadata_.end(), input,
                "{}: no '{}' in its metadata; this is a weights file, not a checkpoint of a run", source_, key);
    return found->second;
  }
  long long integer(const std::string& key) const {
    const std::optional<long long> value = parse_integer(text(key));
    FANIN_CHECK(value && *value >= 0, input, "{}: metadata '{}' is '{}', not a count", source_, key, text(key));
    return *value;
  }
  double number(const std::string& key) const { return exact_double(text(key), source_); }

 private:
  const Metadata& metadata_;
  const std::string& source_;
};

std::size_t offset_of(const Network& net, const Parameter& p) {
  return static_cast<std::size_t>(p.value.data() - net.values().data());
}

std::string state_name(const Optimizer::State& state, const Parameter& p) {
  return "optimizer/" + state.name + "/" + p.name;
}

}  // namespace

void save_checkpoint(const io::Path& path, const Network& net, Optimizer& optimizer, const TrainProgress& progress,
                     const Metadata& extra) {
  WeightsWriter writer;
  writer.add_network(net);
  for (const Optimizer::State& state : optimizer.state())
    for (const Parameter* p : net.parameters())
      writer.add(state_name(state, *p), p->shape, state.value.subspan(offset_of(net, *p), p->shape.size()));
  Metadata m = extra;
  m["format"] = "fanin-checkpoint";
  m["optimizer_steps"] = std::to_string(optimizer.steps());
  m["epoch"] = std::to_string(progress.epoch);
  m["batch"] = std::to_string(progress.batch);
  m["step"] = std::to_string(progress.step);
  m["images"] = std::to_string(progress.images);
  m["correct"] = std::to_string(progress.correct);
  m["loss_sum"] = exact(progress.loss_sum);
  m["seconds"] = exact(progress.seconds);
  std::string rows;
  for (const EpochRow& row : progress.rows) rows += row_text(row) + "\n";
  m["rows"] = rows;
  writer.write(path, m);
}

Metadata load_checkpoint(const io::Path& path, Network& net, Optimizer& optimizer, TrainProgress& progress) {
  WeightsReader reader(path);
  const Progress saved(reader.metadata(), reader.source());
  FANIN_CHECK(saved.text("format") == "fanin-checkpoint", input, "{}: not a checkpoint of a run", reader.source());
  reader.want_network(net);
  for (const Optimizer::State& state : optimizer.state())
    for (const Parameter* p : net.parameters())
      reader.want(state_name(state, *p), p->shape, state.value.subspan(offset_of(net, *p), p->shape.size()));
  reader.check_fit();
  TrainProgress loaded;
  loaded.epoch = static_cast<int>(saved.integer("epoch"));
  loaded.batch = static_cast<int>(saved.integer("batch"));
  loaded.step = saved.integer("step");
  loaded.images = saved.integer("images");
  loaded.correct = saved.integer("correct");
  loaded.loss_sum = saved.number("loss_sum");
  loaded.seconds = saved.number("seconds");
  for (const std::string_view row : split(saved.text("rows"), '\n'))
    if (!row.empty()) loaded.rows.push_back(parse_row(row, reader.source()));
  const std::uint64_t steps = static_cast<std::uint64_t>(saved.integer("optimizer_steps"));
  reader.load();
  optimizer.set_steps(steps);
  progress = std::move(loaded);
  return reader.metadata();
}

}  // namespace fanin
