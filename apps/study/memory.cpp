// SPDX-License-Identifier: MIT
#include "apps/study/memory.h"

#include "core/check.h"
#include "core/text.h"

#include <fmt/format.h>

#include <sys/resource.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

namespace fanin {

namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

std::optional<std::string> content_of(const io::Path& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  // Files of /proc and /sys say 0 bytes, so they are read line by line.
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::uint64_t number_in(const io::Path& path) {
  const std::optional<std::string> text = content_of(path);
  if (!text) return kUnlimited;
  const std::optional<long long> value = parse_integer(trim(*text));  // "max" is no number
  return value && *value >= 0 ? static_cast<std::uint64_t>(*value) : kUnlimited;
}

std::uint64_t meminfo_available(const io::Path& root) {
  std::istringstream lines(content_of(root / "proc/meminfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("MemAvailable:")) continue;
    std::istringstream fields(line.substr(13));
    std::uint64_t kibibytes = 0;
    if (fields >> kibibytes) return kibibytes * 1024;
  }
  return kUnlimited;
}

std::uint64_t group_left(std::uint64_t limit, std::uint64_t used) {
  if (limit == kUnlimited || used == kUnlimited) return kUnlimited;
  return limit > used ? limit - used : 0;
}

}  // namespace

std::uint64_t available_memory(const io::Path& root) {
  const io::Path group = root / "sys/fs/cgroup";
  const std::uint64_t v2 = group_left(number_in(group / "memory.max"), number_in(group / "memory.current"));
  const std::uint64_t v1 =
      group_left(number_in(group / "memory/memory.limit_in_bytes"), number_in(group / "memory/memory.usage_in_bytes"));
  return std::min({meminfo_available(root), v1, v2});
}

void check_memory(std::uint64_t needed, std::uint64_t available, const std::string& what) {
  FANIN_CHECK(needed <= available, memory, "{} needs {}, but only {} are available; use a smaller --batch or network",
              what, mebibytes(needed), mebibytes(available));
}

std::uint64_t resident_memory(const io::Path& root) {
  std::istringstream lines(content_of(root / "proc/self/status").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("VmRSS:")) continue;
    std::istringstream fields(line.substr(6));
    std::uint64_t kibibytes = 0;
    if (fields >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

std::uint64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

void return_large_blocks() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

std::string mebibytes(std::uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1024.0 * 1024.0));
}

}  // namespace fanin
