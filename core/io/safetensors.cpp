// SPDX-License-Identifier: MIT
#include "core/io/safetensors.h"

#include "core/check.h"
#include "core/io/safetensors_header.h"

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
constexpr TypeRow types[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1},
                             {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
                             {"U32", 4},  {"F32", 4}, {"F64", 8}, {"I64", 8},     {"U64", 8}};

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

std::uint64_t checked_bytes(const HeaderEntry& entry, const std::string& name, const std::string& source) {
  std::uint64_t bytes = bytes_of(entry.dtype);
  FANIN_CHECK(bytes != 0, input, "{}: tensor '{}' has the unknown dtype '{}'", source, name, entry.dtype);
  bool empty = false;
  for (const std::uint64_t size : entry.shape) empty = empty || size == 0;
  if (empty) return 0;
  for (const std::uint64_t size : entry.shape) {
    FANIN_CHECK(bytes <= std::numeric_limits<std::int64_t>::max() / size, input,
                "{}: tensor '{}' is larger than any memory", source, name);
    bytes *= size;
  }
  return bytes;
}

// Tensors in order of their data must follow each other without a hole or an overlap, to the last byte.
void check_coverage(const std::map<std::string, HeaderEntry>& entries, std::uint64_t data_bytes,
                    const std::string& source) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, entry] : entries) {
    FANIN_CHECK(entry.offsets.size() == 2 && entry.offsets[0] <= entry.offsets[1] && entry.offsets[1] <= data_bytes,
                input, "{}: tensor '{}' has data_offsets [{}] outside its {} bytes of data", source, name,
                fmt::join(entry.offsets, ", "), data_bytes);
    const std::uint64_t bytes = checked_bytes(entry, name, source);
    FANIN_CHECK(entry.offsets[1] - entry.offsets[0] == bytes, input,
                "{}: tensor '{}' needs {} bytes, but its data_offsets give {}", source, name, bytes,
                entry.offsets[1] - entry.offsets[0]);
    ranges.emplace_back(entry.offsets[0], entry.offsets[1]);
  }
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t position = 0;
  for (const auto& [begin, end] : ranges) {
    FANIN_CHECK(begin == position, input, "{}: the data has a hole or an overlap at byte {}", source,
                std::min(begin, position));
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
  FANIN_CHECK(bytes.size() >= sizeof(header_bytes), input, "{}: {} bytes are too few for a safetensors file", source,
              bytes.size());
  std::memcpy(&header_bytes, bytes.data(), sizeof(header_bytes));
  FANIN_CHECK(header_bytes <= limits.max_header_bytes, input,
              "{}: not a safetensors file (a header of {} bytes; at most {} are accepted)", source, header_bytes,
              limits.max_header_bytes);
  const std::uint64_t rest = bytes.size() - sizeof(header_bytes);
  FANIN_CHECK(header_bytes <= rest, input,
              "{}: the file ends at byte {}, inside its header of {} bytes; it is truncated", source, bytes.size(),
              header_bytes);
  const char* const header = reinterpret_cast<const char*>(bytes.data()) + sizeof(header_bytes);
  FANIN_CHECK(header_bytes >= 2 && header[0] == '{', input,
              "{}: not a safetensors file (its header does not begin with a brace)", source);

  SafetensorsHeader parsed = parse_safetensors_header({header, static_cast<std::size_t>(header_bytes)}, source, limits);
  const Bytes data = bytes.subspan(static_cast<std::size_t>(sizeof(header_bytes) + header_bytes));
  check_coverage(parsed.entries, data.size(), source);
  Safetensors result;
  result.metadata = std::move(parsed.metadata);
  for (auto& [name, raw] : parsed.entries) {
    TensorEntry entry{
        raw.dtype, {raw.shape.begin(), raw.shape.end()}, data.subspan(raw.offsets[0], raw.offsets[1] - raw.offsets[0])};
    result.tensors.emplace(name, std::move(entry));
  }
  return result;
}

void write_safetensors(const Path& path, const std::vector<TensorToWrite>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::vector<Bytes> pieces(2);
  std::uint64_t position = 0;
  for (const TensorToWrite& tensor : tensors) {
    header[tensor.name] = {{"dtype", name_of(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {position, position + tensor.data.size()}}};
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
