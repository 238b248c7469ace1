// An exclusive advisory lock on a file; released by the destructor or the death of the process.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/io/file.h"

namespace fanin::io {

class FileLock {
 public:
  FileLock() = default;
  explicit FileLock(const Path& path);  // throws ErrorKind::busy, naming the path, if another process holds it
  ~FileLock();
  FileLock(FileLock&&) noexcept;
  FileLock& operator=(FileLock&&) noexcept;

 private:
  int descriptor_ = -1;
};

}  // namespace fanin::io
