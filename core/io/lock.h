// Who works in a folder: an exclusive advisory lock, and the clearing away after those who were killed there.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/io/file.h"

namespace fanin::io {

// Released by the destructor or the death of the process.
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

// Removes the temporary files of write_atomically whose process was killed before it could rename them.
void remove_leftovers(const Path& folder);

}  // namespace fanin::io
