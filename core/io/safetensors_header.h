// The JSON header of a safetensors file, read strictly; core/io/safetensors.cpp checks it against the data.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/io/safetensors.h"

#include <string_view>

namespace fanin::io {

struct HeaderEntry {
  std::string dtype;
  std::vector<std::uint64_t> shape, offsets;
};
struct SafetensorsHeader {
  std::map<std::string, HeaderEntry> entries;
  std::map<std::string, std::string> metadata;
};

// Refuses duplicate keys, unknown fields, missing fields and everything that has no place; throws ErrorKind::input
// naming `source`.
SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& source,
                                           const SafetensorsLimits& limits);

}  // namespace fanin::io
