// Walks the regular files of a tar, tar.gz or folder and hands their bytes on. An archive is read as a stream and
// nothing of it is ever written to disk, so paths with "..", links and devices in it can do no harm: they are passed
// over.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/io/file.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace fanin {

struct MemberLimits {
  std::uint64_t member_bytes = 256u << 20;             // CIFAR-100's train.bin has 147 MiB
  std::uint64_t total_bytes = std::uint64_t{8} << 30;  // after decompression, passed-over members included
  std::uint64_t members = 4'000'000;
};

struct MemberVisitor {
  std::function<bool(std::string_view name)> wanted;  // members that are not wanted are not read
  std::function<void(const std::string& name, std::span<const std::byte> bytes)> visit;
  std::function<void(double fraction)> progress = {};  // may be empty
};

// Names use '/' and are relative. Members whose name holds ".." or control characters are passed over.
// Throw ErrorKind::input for a damaged archive and for limits.
void read_archive(const io::Path& path, const MemberVisitor& visitor, const MemberLimits& limits = {});
void read_folder(const io::Path& path, const MemberVisitor& visitor, const MemberLimits& limits = {});  // in name order

bool is_archive(std::span<const std::byte> first_bytes);  // gzip or tar, by content

}  // namespace fanin
