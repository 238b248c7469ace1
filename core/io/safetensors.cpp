// SPDX-License-Identifier: MIT
#include "core/io/safetensors.h"

#include "core/check.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <limits>

namespace fanin::io {

namespace {

struct TypeRow {
  const char* name;
  std::size_t bytes;
};
constexpr TypeRow types[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2},
                             {"BF16", 2}, {"I32", 4}, {"U32", 4}, {"F32", 4},     {"F64", 8},     {"I64", 8}, {"U64", 8}};

std::size_t bytes_of(const std::string& dtype) {
  for (const TypeRow& row : types)
    if (dtype == row.name) return row.bytes;
  return 0;
}

const char* name_of(DType type) {
  switch (type) {
    case DType::u8: return "U8";
    case DType::i32: return "I32";
    case DType::i64: return "I64";
    case DType::f32: return "F32";
    case DType::f64: return "F64";
  }
  return "F32";
}

struct RawEntry {
  std::string dtype;
  std::vector<std::uint64_t> shape, offsets;
  bool has_dtype = false, has_shape = false, has_offsets = false;
};

// Reads the header event by event, so that duplicate keys, unknown fields and deep nesting are refused rather than swallowed.
//   depth 1: the object of tensors; depth 2: one tensor or the metadata; an array only inside a tensor
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(const std::string& source, const SafetensorsLimits& limits) : source_(source), limits_(limits) {}

  std::map<std::string, RawEntry> entries;
  std::map<std::string, std::string> metadata;

  bool null() override { return bad("null"); }
  bool boolean(bool) override { return bad("a boolean"); }
  bool number_integer(std::int64_t) override { return bad("a negative number"); }
  bool number_float(double, const std::string&) override { return bad("a number with a fraction"); }
  bool binary(nlohmann::json::binary_t&) override { return bad("binary data"); }

  bool number_unsigned(std::uint64_t value) override {
    if (!in_array_) return bad("a number");
    std::vector<std::uint64_t>& list = field_ == "shape" ? entry_->shape : entry_->offsets;
    FANIN_CHECK(list.size() < limits_.max_dimensions, input, "{}: tensor '{}' has more than {} dimensions", source_, name_, limits_.max_dimensions);
    list.push_back(value);
    return true;
  }

  bool string(std::string& value) override {
    if (depth_ == 2 && entry_ == nullptr) {
      FANIN_CHECK(metadata.emplace(field_, value).second, input, "{}: metadata key '{}' occurs twice", source_, field_);
      return true;
    }
    if (depth_ != 2 || in_array_ || field_ != "dtype") return bad("text");
    entry_->dtype = value;
    return true;
  }

  bool start_object(std::size_t) override {
    if (++depth_ > 2 || in_array_) return bad("an object");
    return true;
  }
  bool end_object() override {
    if (depth_ == 2 && entry_ != nullptr)
      FANIN_CHECK(entry_->has_dtype && entry_->has_shape && entry_->has_offsets, input, "{}: tensor '{}' lacks dtype, shape or data_offsets", source_, name_);
    entry_ = nullptr;
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ != 2 || entry_ == nullptr || in_array_ || field_ == "dtype") return bad("an array");
    in_array_ = true;
    return true;
  }
  bool end_array() override {
    in_array_ = false;
    return true;
  }

  bool key(std::string& value) override {
    if (depth_ == 1) return top_level_key(value);
    field_ = value;
    if (entry_ == nullptr) return true;
    bool* const seen = value == "dtype" ? &entry_->has_dtype : value == "shape" ? &entry_->has_shape : value == "data_offsets" ? &entry_->has_offsets : nullptr;
    FANIN_CHECK(seen != nullptr, input, "{}: tensor '{}' has an unknown field '{}'", source_, name_, value);
    FANIN_CHECK(!*seen, input, "{}: tensor '{}' has its {} twice", source_, name_, value);
    return *seen = true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    fail(ErrorKind::input, "{}: the header is not valid JSON at byte {}: {}", source_, position + sizeof(std::uint64_t), error.what());
  }

 private:
  bool top_level_key(const std::string& value) {
    name_ = value;
    if (value == "__metadata__") {
      FANIN_CHECK(!has_metadata_, input, "{}: __metadata__ occurs twice", source_);
      has_metadata_ = true;
      return true;
    }
    FANIN_CHECK(entries.size() < limits_.max_tensors, input, "{}: more than {} tensors", source_, limits_.max_tensors);
    const auto [row, fresh] = entries.emplace(value, RawEntry{});
    FANIN_CHECK(fresh, input, "{}: tensor '{}' occurs twice", source_, value);
    entry_ = &row->second;
    return true;
  }
  bool bad(const char* what) {
    fail(ErrorKind::input, "{}: {} in the header{} where it has no place", source_, what, name_.empty() ? "" : " (at '" + name_ + "')");
  }

  const std::string& source_;
  const SafetensorsLimits& limits_;
  int depth_ = 0;
  bool in_array_ = false, has_metadata_ = false;
  RawEntry* entry_ = nullptr;  // null inside the metadata
  std::string name_, field_;
};

std::uint64_t checked_bytes(const RawEntry& entry, const std::string& name, const std::string& source) {
  std::uint64_t bytes = bytes_of(entry.dtype);
  FANIN_CHECK(bytes != 0, input, "{}: tensor '{}' has the unknown dtype '{}'", source, name, entry.dtype);
  bool empty = false;
  for (const std::uint64_t size : entry.shape) empty = empty || size == 0;
  if (empty) return 0;
  for (const std::uint64_t size : entry.shape) {
    FANIN_CHECK(bytes <= std::numeric_limits<std::int64_t>::max() / size, input, "{}: tensor '{}' is larger than any memory", source, name);
    bytes *= size;
  }
  return bytes;
}

// Tensors in order of their data must follow each other without a hole or an overlap, to the last byte.
void check_coverage(const std::map<std::string, RawEntry>& entries, std::uint64_t data_bytes, const std::string& source) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, entry] : entries) {
    FANIN_CHECK(entry.offsets.size() == 2 && entry.offsets[0] <= entry.offsets[1] && entry.offsets[1] <= data_bytes, input,
                "{}: tensor '{}' has data_offsets [{}] outside its {} bytes of data", source, name, fmt::join(entry.offsets, ", "), data_bytes);
    const std::uint64_t bytes = checked_bytes(entry, name, source);
    FANIN_CHECK(entry.offsets[1] - entry.offsets[0] == bytes, input, "{}: tensor '{}' needs {} bytes, but its data_offsets give {}", source, name, bytes,
                entry.offsets[1] - entry.offsets[0]);
    ranges.emplace_back(entry.offsets[0], entry.offsets[1]);
  }
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t position = 0;
  for (const auto& [begin, end] : ranges) {
    FANIN_CHECK(begin == position, input, "{}: the data has a hole or an overlap at byte {}", source, std::min(begin, position));
    position = end;
  }
  FANIN_CHECK(position == data_bytes, input, "{}: {} bytes follow the last tensor", source, data_bytes - position);
}

}  // namespace

std::size_t size_of(DType type) { return bytes_of(name_of(type)); }

const TensorEntry& Safetensors::entry(const std::string& name, const std::string& source) const {
  const std::map<std::string, TensorEntry>::const_iterator found = tensors.find(name);
  FANIN_CHECK(found != tensors.end(), input, "{}: there is no tensor '{}'", source, name);
  return found->second;
}

Safetensors parse_safetensors(Bytes bytes, const std::string& source, const SafetensorsLimits& limits) {
  std::uint64_t header_bytes = 0;
  FANIN_CHECK(bytes.size() >= sizeof(header_bytes), input, "{}: {} bytes are too few for a safetensors file", source, bytes.size());
  std::memcpy(&header_bytes, bytes.data(), sizeof(header_bytes));
  FANIN_CHECK(header_bytes <= limits.max_header_bytes, input, "{}: not a safetensors file (a header of {} bytes; at most {} are accepted)", source, header_bytes, limits.max_header_bytes);
  const std::uint64_t rest = bytes.size() - sizeof(header_bytes);
  FANIN_CHECK(header_bytes <= rest, input, "{}: the file ends at byte {}, inside its header of {} bytes; it is truncated", source, bytes.size(), header_bytes);
  const char* const header = reinterpret_cast<const char*>(bytes.data()) + sizeof(header_bytes);
  FANIN_CHECK(header_bytes >= 2 && header[0] == '{', input, "{}: not a safetensors file (its header does not begin with a brace)", source);

  HeaderReader reader(source, limits);
  nlohmann::json::sax_parse(header, header + header_bytes, &reader);
  const Bytes data = bytes.subspan(static_cast<std::size_t>(sizeof(header_bytes) + header_bytes));
  check_coverage(reader.entries, data.size(), source);
  Safetensors result;
  result.metadata = std::move(reader.metadata);
  for (auto& [name, raw] : reader.entries) {
    TensorEntry entry{raw.dtype, {raw.shape.begin(), raw.shape.end()}, data.subspan(raw.offsets[0], raw.offsets[1] - raw.offsets[0])};
    result.tensors.emplace(name, std::move(entry));
  }
  return result;
}

void write_safetensors(const Path& path, const std::vector<TensorToWrite>& tensors, const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::vector<Bytes> pieces(2);
  std::uint64_t position = 0;
  for (const TensorToWrite& tensor : tensors) {
    header[tensor.name] = {{"dtype", name_of(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {position, position + tensor.data.size()}}};
    position += tensor.data.size();
    pieces.push_back(tensor.data);
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');  // so that the data area is aligned
  const std::uint64_t length = text.size();
  pieces[0] = std::as_bytes(std::span<const std::uint64_t>(&length, 1));
  pieces[1] = std::as_bytes(std::span<const char>(text));
  write_atomically(path, std::span<const Bytes>(pieces));
}

}  // namespace fanin::io
