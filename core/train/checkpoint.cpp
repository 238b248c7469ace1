// SPDX-License-Identifier: MIT
#include "core/train/checkpoint.h"

#include "core/check.h"
#include "core/io/safetensors.h"
#include "core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace fanin {

namespace {

using io::Bytes;

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

// --- tensors

// Owns the file-order copies that TensorToWrite borrows.
class Writer {
 public:
  void add(std::string name, const WeightShape& shape, std::span<const float> values) {
    copies_.emplace_back(values.size());
    to_file_order(shape, values, copies_.back());
    tensors_.push_back({std::move(name), io::DType::f32, shape.file_dimensions(),
                        std::as_bytes(std::span<const float>(copies_.back()))});
  }
  void add_network(const Network& net) {
    for (const Parameter* p : net.parameters()) add(p->name, p->shape, p->value);
    for (const StateBuffer* b : net.buffers())
      add(b->name, WeightShape::vector(static_cast<int>(b->value.size())), b->value);
  }
  void write(const io::Path& path, const Metadata& metadata) const { io::write_safetensors(path, tensors_, metadata); }

 private:
  std::vector<std::vector<float>> copies_;
  std::vector<io::TensorToWrite> tensors_;
};

std::vector<float> floats_of(Bytes bytes) {
  std::vector<float> result(bytes.size() / sizeof(float));
  if (!result.empty()) std::memcpy(result.data(), bytes.data(), result.size() * sizeof(float));
  return result;
}

// What will be copied where, once everything has been checked.
class Reader {
 public:
  explicit Reader(const io::Path& path)
      : source_(path.string()), file_(path), parsed_(io::parse_safetensors(file_.bytes(), source_)) {}

  void want(const std::string& name, const WeightShape& shape, std::span<float> target) {
    const io::TensorEntry& entry = parsed_.entry(name, source_);
    FANIN_CHECK(entry.dtype == "F32", input, "{}: tensor '{}' is {}, but F32 is needed", source_, name, entry.dtype);
    FANIN_CHECK(
        entry.shape == shape.file_dimensions(), shape,
        "{}: tensor '{}' has shape ({}), but the network needs {}; build the network that the file was made with",
        source_, name, fmt::join(entry.shape, ", "), to_string(shape));
    wanted_.push_back({entry.data, shape, target});
    used_.push_back(name);
  }
  void want_network(Network& net) {
    for (Parameter* p : net.parameters()) want(p->name, p->shape, p->value);
    for (StateBuffer* b : net.buffers())
      want(b->name, WeightShape::vector(static_cast<int>(b->value.size())), b->value);
  }
  // Optimizer state may stay unread; PyTorch's counters are not needed; anything else means another network.
  void refuse_unknown() const {
    for (const auto& [name, entry] : parsed_.tensors)
      FANIN_CHECK(std::find(used_.begin(), used_.end(), name) != used_.end() || name.starts_with("optimizer/") ||
                      name.ends_with(".num_batches_tracked"),
                  shape, "{}: tensor '{}' has no place in this network; build the network that the file was made with",
                  source_, name);
  }
  void load() const {
    for (const Wanted& w : wanted_) from_file_order(w.shape, floats_of(w.data), w.target);
  }
  const std::string& text(const std::string& key) const {
    const Metadata::const_iterator found = parsed_.metadata.find(key);
    FANIN_CHECK(found != parsed_.metadata.end(), input,
                "{}: no '{}' in its metadata; this is a weights file, not a checkpoint of a run", source_, key);
    return found->second;
  }
  long long integer(const std::string& key) const {
    const std::optional<long long> value = parse_integer(text(key));
    FANIN_CHECK(value && *value >= 0, input, "{}: metadata '{}' is '{}', not a count", source_, key, text(key));
    return *value;
  }
  double number(const std::string& key) const { return exact_double(text(key), source_); }
  const Metadata& metadata() const { return parsed_.metadata; }
  const std::string& source() const { return source_; }

 private:
  struct Wanted {
    Bytes data;
    WeightShape shape;
    std::span<float> target;
  };
  const std::string source_;
  const io::MappedFile file_;
  const io::Safetensors parsed_;
  std::vector<Wanted> wanted_;
  std::vector<std::string> used_;
};

std::size_t offset_of(const Network& net, const Parameter& p) {
  return static_cast<std::size_t>(p.value.data() - net.values().data());
}

std::string state_name(const Optimizer::State& state, const Parameter& p) {
  return "optimizer/" + state.name + "/" + p.name;
}

}  // namespace

void save_weights(const io::Path& path, const Network& net, const Metadata& extra) {
  Writer writer;
  writer.add_network(net);
  writer.write(path, extra);
}

Metadata load_weights(const io::Path& path, Network& net) {
  Reader reader(path);
  reader.want_network(net);
  reader.refuse_unknown();
  reader.load();
  return reader.metadata();
}

void save_checkpoint(const io::Path& path, const Network& net, Optimizer& optimizer, const TrainProgress& progress,
                     const Metadata& extra) {
  Writer writer;
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
  Reader reader(path);
  FANIN_CHECK(reader.text("format") == "fanin-checkpoint", input, "{}: not a checkpoint of a run", reader.source());
  reader.want_network(net);
  for (const Optimizer::State& state : optimizer.state())
    for (const Parameter* p : net.parameters())
      reader.want(state_name(state, *p), p->shape, state.value.subspan(offset_of(net, *p), p->shape.size()));
  reader.refuse_unknown();
  TrainProgress loaded;
  loaded.epoch = static_cast<int>(reader.integer("epoch"));
  loaded.batch = static_cast<int>(reader.integer("batch"));
  loaded.step = reader.integer("step");
  loaded.images = reader.integer("images");
  loaded.correct = reader.integer("correct");
  loaded.loss_sum = reader.number("loss_sum");
  loaded.seconds = reader.number("seconds");
  for (const std::string_view row : split(reader.text("rows"), '\n'))
    if (!row.empty()) loaded.rows.push_back(parse_row(row, reader.source()));
  const std::uint64_t steps = static_cast<std::uint64_t>(reader.integer("optimizer_steps"));
  reader.load();
  optimizer.set_steps(steps);
  progress = std::move(loaded);
  return reader.metadata();
}

}  // namespace fanin
