// The safetensors container (github.com/huggingface/safetensors): 8 bytes of header length, a JSON header, raw
// little-endian data.
// The reader believes nothing: sizes are checked arithmetic, offsets must cover the data without holes or overlap, keys
// are unique.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/io/file.h"

#include <map>
#include <string>
#include <vector>

namespace fanin::io {

enum class DType {
  u8,
  i32,
  i64,
  f32,
  f64
};  // what fanin writes; other known types of the format can be listed but not converted
std::size_t size_of(DType type);

struct TensorEntry {
  std::string dtype;               // as in the file: "F32"
  std::vector<std::size_t> shape;  // empty: one element
  Bytes data;                      // into the bytes that were parsed
};

struct SafetensorsLimits {
  std::uint64_t max_header_bytes = 100'000'000;  // the format's own limit
  std::size_t max_tensors = 1'000'000;
  std::size_t max_dimensions = 16;
};

// A parsed file. It borrows the bytes it was parsed from.
struct Safetensors {
  std::map<std::string, TensorEntry> tensors;
  std::map<std::string, std::string> metadata;  // "__metadata__"

  // Throws ErrorKind::input unless `name` exists with this dtype; the data as numbers (aligned copy when needed is the
  // caller's).
  const TensorEntry& entry(const std::string& name, const std::string& source) const;
};

// `source` names the bytes in errors, which also give the offset. Throws ErrorKind::input.
Safetensors parse_safetensors(Bytes bytes, const std::string& source, const SafetensorsLimits& limits = {});

struct TensorToWrite {
  std::string name;
  DType dtype;
  std::vector<std::size_t> shape;
  Bytes data;
};
// Tensors are written in the given order, the header's data area 8-byte aligned. Throws ErrorKind::output.
void write_safetensors(const Path& path, const std::vector<TensorToWrite>& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace fanin::io
