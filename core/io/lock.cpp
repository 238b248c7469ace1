// SPDX-License-Identifier: MIT
#include "core/io/lock.h"

#include "core/check.h"
#include "core/text.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace fanin::io {

FileLock::FileLock(const Path& path) {
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  FANIN_CHECK(descriptor_ >= 0, output, "cannot create the lock {}: {}; choose a folder that you may write to",
              path.string(), std::generic_category().message(errno));
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  const int error = errno;
  ::close(std::exchange(descriptor_, -1));
  FANIN_CHECK(error != EWOULDBLOCK, busy,
              "{} is locked: another process works in this folder; wait for it or choose another folder",
              path.string());
  fail(ErrorKind::output, "cannot lock {}: {}", path.string(), std::generic_category().message(error));
}
FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}
FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

// Their names are ".<target>.<process>.tmp".
void remove_leftovers(const Path& folder) {
  for (const std::filesystem::directory_entry& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with('.') || !name.ends_with(".tmp")) continue;
    const std::string stem = name.substr(0, name.size() - 4);
    const std::optional<long long> process = parse_integer(std::string_view(stem).substr(stem.rfind('.') + 1));
    const bool gone = process && *process > 0 && ::kill(static_cast<pid_t>(*process), 0) != 0 && errno == ESRCH;
    std::error_code ignored;  // somebody else may have been faster
    if (gone) std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace fanin::io
