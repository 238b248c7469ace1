// The one place that touches files. A file is replaced as a whole or not at all: temporary file, fsync, rename, fsync
// of the folder.
// Writing goes through FileSystem, so that a test can make any call fail.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fanin::io {

using Path = std::filesystem::path;
using Bytes = std::span<const std::byte>;

// The system calls that writing uses, each returning 0 (or a descriptor, or a byte count) or -errno. Tests derive from
// it.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual int open(const char* path, int flags, unsigned mode);
  virtual long write(int descriptor, const void* data, std::size_t size);
  virtual int fsync(int descriptor);
  virtual int close(int descriptor);
  virtual int rename(const char* from, const char* to);
  virtual int unlink(const char* path);
};
FileSystem& file_system();                     // the real one unless a test has replaced it
FileSystem* replace_file_system(FileSystem*);  // null restores the real one; returns the previous replacement

// Replaces `path` atomically; on failure throws ErrorKind::output with path, bytes and reason, and leaves the old file
// as it was.
void write_atomically(const Path& path, Bytes content);
void write_atomically(const Path& path, std::string_view content);
// As above from several pieces, so that a checkpoint need not be copied into one buffer.
void write_atomically(const Path& path, std::span<const Bytes> pieces);

// Appends lines to a log-like file; every append is one write call.
class Appender {
 public:
  Appender() = default;
  Appender(const Path& path, std::uint64_t keep_bytes);  // first cuts the file to keep_bytes (0: start anew)
  ~Appender();
  Appender(Appender&&) noexcept;
  Appender& operator=(Appender&&) noexcept;
  void append(std::string_view text);  // throws ErrorKind::output
  void sync();                         // to the disk; throws ErrorKind::output
  std::uint64_t size() const { return size_; }

 private:
  int descriptor_ = -1;
  Path path_;
  std::uint64_t size_ = 0;
};

// Whole file; throws ErrorKind::input if it is missing, unreadable or above max_bytes.
std::string read_text(const Path& path, std::uint64_t max_bytes = 64u << 20);
std::vector<std::byte> read_bytes(const Path& path, std::uint64_t max_bytes);

// A file mapped read-only for as long as this lives.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const Path& path);  // throws ErrorKind::input
  ~MappedFile();
  MappedFile(MappedFile&&) noexcept;
  MappedFile& operator=(MappedFile&&) noexcept;
  Bytes bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

void create_folders(const Path& path);  // throws ErrorKind::output

}  // namespace fanin::io
