// SPDX-License-Identifier: MIT
#include "core/train/weights_file.h"

#include "core/check.h"

#include <fmt/format.h>

#include <fnmatch.h>
#include <algorithm>
#include <cstring>

namespace fanin {

namespace {

std::vector<float> floats_of(io::Bytes bytes) {
  std::vector<float> result(bytes.size() / sizeof(float));
  if (!result.empty()) std::memcpy(result.data(), bytes.data(), result.size() * sizeof(float));
  return result;
}

WeightShape shape_of(const StateBuffer& buffer) { return WeightShape::vector(static_cast<int>(buffer.value.size())); }

// "; missing: a, b, c and 4 more", or nothing.
std::string listed(const char* what, const std::vector<std::string>& items) {
  if (items.empty()) return "";
  constexpr std::size_t kShown = 5;
  const std::vector<std::string> shown(items.begin(),
                                       items.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, items.size())));
  return fmt::format("; {}: {}{}", what, fmt::join(shown, ", "),
                     items.size() > kShown ? fmt::format(" and {} more", items.size() - kShown) : "");
}

}  // namespace

void WeightsWriter::add(std::string name, const WeightShape& shape, std::span<const float> values) {
  copies_.emplace_back(values.size());
  to_file_order(shape, values, copies_.back());
  tensors_.push_back({std::move(name), io::DType::f32, shape.file_dimensions(),
                      std::as_bytes(std::span<const float>(copies_.back()))});
}

void WeightsWriter::add_network(const Network& net) {
  for (const Parameter* p : net.parameters()) add(p->name, p->shape, p->value);
  for (const StateBuffer* b : net.buffers()) add(b->name, shape_of(*b), b->value);
}

WeightsReader::WeightsReader(const io::Path& path)
    : source_(path.string()), file_(path), parsed_(io::parse_safetensors(file_.bytes(), source_)) {
  const auto wrapped = [](const auto& named) { return named.first.starts_with("module."); };
  const bool all = !parsed_.tensors.empty() && std::all_of(parsed_.tensors.begin(), parsed_.tensors.end(), wrapped);
  if (all) prefix_ = "module.";
}

void WeightsReader::want(const std::string& name, const WeightShape& shape, std::span<float> target) {
  std::string key = prefix_ + name;
  if (!parsed_.tensors.contains(key) && shape.rank == 4 && key.ends_with(".weight")) key.resize(key.size() - 7);
  const auto found = parsed_.tensors.find(key);
  if (found == parsed_.tensors.end()) {
    missing_.push_back(name);
    return;
  }
  const io::TensorEntry& entry = found->second;
  used_.insert(key);
  if (entry.dtype != "F32")
    foreign_.push_back(fmt::format("{} is {}, F32 is needed", name, entry.dtype));
  else if (entry.shape != shape.file_dimensions())
    misshaped_.push_back(
        fmt::format("{} ({}) where the network has {}", name, fmt::join(entry.shape, ", "), to_string(shape)));
  else
    wanted_.push_back({entry.data, shape, target});
}

void WeightsReader::want_network(Network& net, const std::vector<std::string>& fresh) {
  const auto skipped = [&](const std::string& name) {
    const bool skip = std::any_of(fresh.begin(), fresh.end(), [&](const std::string& pattern) {
      return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
    });
    if (skip) used_.insert(prefix_ + name);
    return skip;
  };
  for (Parameter* p : net.parameters())
    if (!skipped(p->name)) want(p->name, p->shape, p->value);
  for (StateBuffer* b : net.buffers())
    if (!skipped(b->name)) want(b->name, shape_of(*b), b->value);
}

void WeightsReader::check_fit() const {
  std::vector<std::string> unexpected;
  for (const auto& [name, entry] : parsed_.tensors)
    if (!used_.contains(name) && !name.starts_with("optimizer/") && !name.ends_with(".num_batches_tracked"))
      unexpected.push_back(name);
  if (missing_.empty() && unexpected.empty() && foreign_.empty() && misshaped_.empty()) return;
  const bool only_shapes = missing_.empty() && unexpected.empty() && foreign_.empty();
  fail(only_shapes ? ErrorKind::shape : ErrorKind::input,
       "{} does not fit this network{}{}{}{}; build the network that the file was made with", source_,
       listed("missing", missing_), listed("unexpected", unexpected), listed("misshaped", misshaped_),
       listed("wrong type", foreign_));
}

void WeightsReader::load() const {
  for (const Wanted& w : wanted_) from_file_order(w.shape, floats_of(w.data), w.target);
}

void save_weights(const io::Path& path, const Network& net, const Metadata& extra) {
  WeightsWriter writer;
  writer.add_network(net);
  writer.write(path, extra);
}

Metadata load_weights(const io::Path& path, Network& net, const std::vector<std::string>& fresh) {
  WeightsReader reader(path);
  reader.want_network(net, fresh);
  reader.check_fit();
  reader.load();
  return reader.metadata();
}

}  // namespace fanin
