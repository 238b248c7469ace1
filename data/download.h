// Fetches one file over HTTPS into a folder. It gets its name only after its size and SHA-256 are right; until then it
// is NAME.part, which a later call continues. Certificates and host names are verified; redirects may lead to HTTPS
// only. Plain HTTP is allowed for this machine itself (127.0.0.1, localhost), which is how the tests serve it.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/io/file.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace fanin {

struct Download {
  std::string url = {}, file_name = {};
  std::uint64_t size = 0;   // bytes
  std::string sha256 = {};  // 64 hexadecimal digits
};
struct KnownDownload {
  std::string_view name, url, file_name;
  std::uint64_t size;
  std::string_view sha256;
};
std::span<const KnownDownload> known_downloads();  // cifar10, cifar100

struct DownloadOptions {
  int connect_seconds = 30;
  int stall_seconds = 60;  // give up when fewer than stall_bytes a second arrive for so long
  int stall_bytes = 1000;
  std::function<void(double fraction)> progress = {};
};

// Returns the path of the complete file; one that is already there and right is not fetched again.
// Throws ErrorKind::usage (URL, no libcurl in this build), input (network, size, hash) or output (disk).
io::Path download(const Download& what, const io::Path& folder, const DownloadOptions& options = {});

std::string sha256_of(io::Bytes bytes);  // lower-case hexadecimal

}  // namespace fanin
