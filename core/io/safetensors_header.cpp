// SPDX-License-Identifier: MIT
#include "core/io/safetensors_header.h"

#include "core/check.h"

#include <nlohmann/json.hpp>

namespace fanin::io {

namespace {

struct RawEntry : HeaderEntry {
  bool has_dtype = false, has_shape = false, has_offsets = false;
};

// Reads the header event by event, so that duplicate keys, unknown fields and deep nesting are refused rather than
// swallowed.
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
    FANIN_CHECK(list.size() < limits_.max_dimensions, input, "{}: tensor '{}' has more than {} dimensions", source_,
                name_, limits_.max_dimensions);
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
      FANIN_CHECK(entry_->has_dtype && entry_->has_shape && entry_->has_offsets, input,
                  "{}: tensor '{}' lacks dtype, shape or data_offsets", source_, name_);
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
    bool* const seen = value == "dtype"          ? &entry_->has_dtype
                       : value == "shape"        ? &entry_->has_shape
                       : value == "data_offsets" ? &entry_->has_offsets
                                                 : nullptr;
    FANIN_CHECK(seen != nullptr, input, "{}: tensor '{}' has an unknown field '{}'", source_, name_, value);
    FANIN_CHECK(!*seen, input, "{}: tensor '{}' has its {} twice", source_, name_, value);
    return *seen = true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    fail(ErrorKind::input, "{}: the header is not valid JSON at byte {}: {}", source_, position + sizeof(std::uint64_t),
         error.what());
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
    fail(ErrorKind::input, "{}: {} in the header{} where it has no place", source_, what,
         name_.empty() ? "" : " (at '" + name_ + "')");
  }

  const std::string& source_;
  const SafetensorsLimits& limits_;
  int depth_ = 0;
  bool in_array_ = false, has_metadata_ = false;
  RawEntry* entry_ = nullptr;  // null inside the metadata
  std::string name_, field_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& source,
                                           const SafetensorsLimits& limits) {
  HeaderReader reader(source, limits);
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  SafetensorsHeader header;
  header.metadata = std::move(reader.metadata);
  for (auto& [name, entry] : reader.entries) header.entries.emplace(name, std::move(entry));
  return header;
}

}  // namespace fanin::io
