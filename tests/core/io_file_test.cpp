// Files are replaced as a whole or not at all, whichever system call fails.
// SPDX-License-Identifier: MIT
#include "core/io/file.h"
#include "core/io/lock.h"

#include "core/check.h"
#include "tests/support/command.h"

#include <unistd.h>
#include <cerrno>

namespace fanin::io {
namespace {

using test::file_text;
using test::scratch_folder;

// Fails its k-th call with `error`; counts the calls. close() still closes, as the kernel does.
class FailingFileSystem : public FileSystem {
 public:
  FailingFileSystem(int failing_call, int error) : failing_call_(failing_call), error_(error) {
    before_ = replace_file_system(this);
  }
  ~FailingFileSystem() override { replace_file_system(before_); }
  int calls() const { return calls_; }
  bool failed() const { return calls_ > failing_call_; }

  int open(const char* path, int flags, unsigned mode) override {
    return next() ? FileSystem::open(path, flags, mode) : -error_;
  }
  long write(int descriptor, const void* data, std::size_t size) override {
    return next() ? FileSystem::write(descriptor, data, std::min<std::size_t>(size, 3))
                  : -error_;  // short writes must be completed
  }
  int fsync(int descriptor) override { return next() ? FileSystem::fsync(descriptor) : -error_; }
  int close(int descriptor) override {
    const int result = FileSystem::close(descriptor);
    return next() ? result : -error_;
  }
  int rename(const char* from, const char* to) override { return next() ? FileSystem::rename(from, to) : -error_; }

 private:
  bool next() { return calls_++ != failing_call_; }
  const int failing_call_, error_;
  int calls_ = 0;
  FileSystem* before_ = nullptr;
};

std::size_t files_in(const Path& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

TEST(File, EveryFailingCallLeavesTheOldOrTheNewContent) {
  const Path folder = scratch_folder(), path = folder / "file";
  for (const int error : {ENOSPC, EIO, EROFS}) {
    int failures = 0;
    for (int k = 0; k < 50; ++k) {
      write_atomically(path, "old");
      FailingFileSystem fs(k, error);
      bool threw = false;
      try {
        write_atomically(path, "a new content");
      } catch (const Error& e) {
        threw = true;
        EXPECT_EQ(e.kind(), ErrorKind::output);
        EXPECT_NE(std::string(e.what()).find(path.string()), std::string::npos) << e.what();
      }
      const std::string content = file_text(path);
      EXPECT_TRUE(content == "old" || content == "a new content") << content;
      if (!threw) {
        EXPECT_EQ(content, "a new content");
      }
      EXPECT_EQ(files_in(folder), 1u) << "call " << k << " left a temporary file";
      if (!fs.failed()) break;
      failures += threw;
    }
    EXPECT_GE(failures, 9) << "open, five writes, fsync, close, rename";
  }
}

TEST(File, AppendersCutAndContinue) {
  const Path path = scratch_folder() / "log";
  {
    Appender a(path, 0);
    a.append("one\n");
    a.append("two\n");
    EXPECT_EQ(a.size(), 8u);
  }
  Appender b(path, 4);
  b.append("2\n");
  EXPECT_EQ(file_text(path), "one\n2\n");
  EXPECT_THROW(Appender(path, 100), Error) << "it cannot keep more than there is";
}

TEST(File, AFullDeviceIsAnError) {
  Appender full("/dev/full", 0);
  EXPECT_THROW(full.append("text"), Error);
}

TEST(File, Reading) {
  const Path folder = scratch_folder();
  write_atomically(folder / "a", "text");
  EXPECT_EQ(read_text(folder / "a"), "text");
  EXPECT_EQ(MappedFile(folder / "a").bytes().size(), 4u);
  write_atomically(folder / "empty", "");
  EXPECT_TRUE(MappedFile(folder / "empty").bytes().empty());
  EXPECT_THROW(read_text(folder / "a", 3), Error);
  EXPECT_THROW(read_text(folder / "absent"), Error);
  EXPECT_THROW(read_text(folder), Error);
  EXPECT_THROW(create_folders(folder / "a" / "b"), Error);
}

TEST(File, ALockIsExclusiveAndReleased) {
  const Path path = scratch_folder() / ".lock";
  {
    const FileLock first(path);
    try {
      const FileLock second(path);
      FAIL() << "two locks";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::busy);
    }
  }
  EXPECT_NO_THROW(FileLock{path});
}

// What a killed process left goes; what a living one is writing, and files of other names, stay.
TEST(File, LeftoversOfTheDeadAreRemoved) {
  const Path folder = scratch_folder();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  const std::string dead = ".last." + std::to_string(child) + ".tmp",
                    alive = ".last." + std::to_string(::getpid()) + ".tmp";
  for (const std::string& name : {dead, alive, std::string("a.1.tmp"), std::string(".b.tmp"), std::string("c")})
    test::write_file(folder / name, "x");
  remove_leftovers(folder);
  EXPECT_FALSE(std::filesystem::exists(folder / dead));
  for (const std::string& name : {alive, std::string("a.1.tmp"), std::string(".b.tmp"), std::string("c")})
    EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
}

}  // namespace
}  // namespace fanin::io
