// SPDX-License-Identifier: MIT
#include "core/io/file.h"

#include "core/check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace fanin::io {

namespace {

FileSystem real_file_system;
FileSystem* replacement = nullptr;

std::string reason(int error) { return std::generic_category().message(error); }

[[noreturn]] void fail_write(const Path& path, std::uint64_t bytes, const char* step, int error) {
  const char* remedy = error == ENOSPC || error == EDQUOT ? "free some space or choose another folder"
                                                          : "check the folder's permissions or choose another one";
  fail(ErrorKind::output, "cannot write {} ({} bytes): {} failed: {}; {}", path.string(), bytes, step, reason(error),
       remedy);
}

// Writes everything, through short writes and interruptions. Returns 0 or an errno.
int write_all(FileSystem& fs, int descriptor, const void* data, std::size_t size) {
  const char* from = static_cast<const char*>(data);
  while (size > 0) {
    const long written = fs.write(descriptor, from, size);
    if (written == -EINTR) continue;
    if (written < 0) return static_cast<int>(-written);
    if (written == 0) return EIO;
    from += written;
    size -= static_cast<std::size_t>(written);
  }
  return 0;
}

// A temporary file next to its target: gone again unless it was renamed into place.
class Temporary {
 public:
  Temporary(FileSystem& fs, const Path& target, std::uint64_t bytes) : fs_(fs), bytes_(bytes), target_(target) {
    path_ = target.parent_path() / ("." + target.filename().string() + "." + std::to_string(::getpid()) + ".tmp");
    descriptor_ = fs_.open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail_write(target_, bytes_, "creating a temporary file", -descriptor_);
  }
  ~Temporary() {
    if (descriptor_ >= 0) fs_.close(descriptor_);
    if (!renamed_) fs_.unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  void write(Bytes piece) {
    const int error = write_all(fs_, descriptor_, piece.data(), piece.size());
    if (error != 0) fail_write(target_, bytes_, "writing", error);
  }
  void move_into_place() {
    if (const int error = -fs_.fsync(descriptor_); error != 0) fail_write(target_, bytes_, "fsync", error);
    const int closed = -fs_.close(descriptor_);
    descriptor_ = -1;
    if (closed != 0) fail_write(target_, bytes_, "closing", closed);
    if (const int error = -fs_.rename(path_.c_str(), target_.c_str()); error != 0)
      fail_write(target_, bytes_, "renaming", error);
    renamed_ = true;
  }

 private:
  FileSystem& fs_;
  const std::uint64_t bytes_;
  const Path target_;
  Path path_;
  int descriptor_ = -1;
  bool renamed_ = false;
};

// Makes the rename itself durable.
void sync_folder(FileSystem& fs, const Path& target, std::uint64_t bytes) {
  const Path folder = target.has_parent_path() ? target.parent_path() : Path(".");
  const int descriptor = fs.open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (descriptor < 0) fail_write(target, bytes, "opening the folder", -descriptor);
  const int error = -fs.fsync(descriptor);
  fs.close(descriptor);
  if (error != 0) fail_write(target, bytes, "fsync of the folder", error);
}

class ReadDescriptor {
 public:
  explicit ReadDescriptor(const Path& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    FANIN_CHECK(descriptor_ >= 0, input, "cannot open {}: {}", path.string(), reason(errno));
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(descriptor_);
      fail(ErrorKind::input, "{} is not a regular file; give a file", path.string());
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~ReadDescriptor() { ::close(descriptor_); }
  ReadDescriptor(const ReadDescriptor&) = delete;
  ReadDescriptor& operator=(const ReadDescriptor&) = delete;
  int get() const { return descriptor_; }
  std::uint64_t size() const { return size_; }

 private:
  int descriptor_;
  std::uint64_t size_ = 0;
};

template <class Container>
Container read_whole(const Path& path, std::uint64_t max_bytes) {
  const ReadDescriptor file(path);
  FANIN_CHECK(file.size() <= max_bytes, input, "{} has {} bytes; at most {} are accepted here", path.string(),
              file.size(), max_bytes);
  Container content(static_cast<std::size_t>(file.size()), typename Container::value_type{});
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t got = ::read(file.get(), content.data() + done, content.size() - done);
    if (got < 0 && errno == EINTR) continue;
    FANIN_CHECK(got > 0, input, "cannot read {} past byte {}: {}", path.string(), done,
                got == 0 ? "the file ends" : reason(errno));
    done += static_cast<std::size_t>(got);
  }
  return content;
}

}  // namespace

int FileSystem::open(const char* path, int flags, unsigned mode) {
  const int descriptor = ::open(path, flags, mode);
  return descriptor >= 0 ? descriptor : -errno;
}
long FileSystem::write(int descriptor, const void* data, std::size_t size) {
  const ssize_t written = ::write(descriptor, data, size);
  return written >= 0 ? written : -errno;
}
int FileSystem::fsync(int descriptor) { return ::fsync(descriptor) == 0 ? 0 : -errno; }
int FileSystem::close(int descriptor) { return ::close(descriptor) == 0 ? 0 : -errno; }
int FileSystem::rename(const char* from, const char* to) { return ::rename(from, to) == 0 ? 0 : -errno; }
int FileSystem::unlink(const char* path) { return ::unlink(path) == 0 ? 0 : -errno; }

FileSystem& file_system() { return replacement != nullptr ? *replacement : real_file_system; }

FileSystem* replace_file_system(FileSystem* fs) {
  FileSystem* const before = replacement;
  replacement = fs;
  return before;
}

void write_atomically(const Path& path, std::span<const Bytes> pieces) {
  FileSystem& fs = file_system();
  std::uint64_t bytes = 0;
  for (const Bytes piece : pieces) bytes += piece.size();
  {
    Temporary temporary(fs, path, bytes);
    for (const Bytes piece : pieces) temporary.write(piece);
    temporary.move_into_place();
  }
  sync_folder(fs, path, bytes);
}

void write_atomically(const Path& path, Bytes content) { write_atomically(path, std::span<const Bytes>(&content, 1)); }
void write_atomically(const Path& path, std::string_view content) {
  write_atomically(path, std::as_bytes(std::span<const char>(content)));
}

Appender::Appender(const Path& path, std::uint64_t keep_bytes) : path_(path), size_(keep_bytes) {
  descriptor_ = file_system().open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_write(path, 0, "opening", -descriptor_);
  struct stat status {};
  if (::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode)) {
    FANIN_CHECK(static_cast<std::uint64_t>(status.st_size) >= keep_bytes, input,
                "{} has {} bytes, but its checkpoint knows of {}; the run folder is damaged", path.string(),
                status.st_size, keep_bytes);
    if (::ftruncate(descriptor_, static_cast<off_t>(keep_bytes)) != 0) fail_write(path, keep_bytes, "cutting", errno);
    if (::lseek(descriptor_, static_cast<off_t>(keep_bytes), SEEK_SET) < 0)
      fail_write(path, keep_bytes, "seeking", errno);
  }
}
Appender::~Appender() {
  if (descriptor_ >= 0) file_system().close(descriptor_);
}
Appender::Appender(Appender&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)), size_(other.size_) {}
Appender& Appender::operator=(Appender&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  std::swap(size_, other.size_);
  return *this;
}
void Appender::append(std::string_view text) {
  const int error = write_all(file_system(), descriptor_, text.data(), text.size());
  if (error != 0) fail_write(path_, text.size(), "appending", error);
  size_ += text.size();
}

void Appender::sync() {
  if (const int error = -file_system().fsync(descriptor_); error != 0 && error != EINVAL)
    fail_write(path_, size_, "fsync", error);
}

std::string read_text(const Path& path, std::uint64_t max_bytes) { return read_whole<std::string>(path, max_bytes); }
std::vector<std::byte> read_bytes(const Path& path, std::uint64_t max_bytes) {
  return read_whole<std::vector<std::byte>>(path, max_bytes);
}

MappedFile::MappedFile(const Path& path) {
  const ReadDescriptor file(path);
  if (file.size() == 0) return;
  void* const memory = ::mmap(nullptr, static_cast<std::size_t>(file.size()), PROT_READ, MAP_PRIVATE, file.get(), 0);
  FANIN_CHECK(memory != MAP_FAILED, input, "cannot map {} ({} bytes): {}", path.string(), file.size(), reason(errno));
  bytes_ = {static_cast<const std::byte*>(memory), static_cast<std::size_t>(file.size())};
}
MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}
MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

void create_folders(const Path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  FANIN_CHECK(!error && std::filesystem::is_directory(path), output,
              "cannot create the folder {}: {}; choose another place", path.string(),
              error ? error.message() : "something else has that name");
}

}  // namespace fanin::io
