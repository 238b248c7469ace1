// SPDX-License-Identifier: MIT
#include "core/io/lock.h"

#include "core/check.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
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

}  // namespace fanin::io
