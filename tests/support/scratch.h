// Folders for the files of the running test. Each test program has its own, in which nobody else interferes: not another
// user, not another run of the same tests. It is removed at the end unless a test failed. The name has a space.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace fanin::test {

class ScratchRoot {
 public:
  ScratchRoot() {
    std::string name = ::testing::TempDir() + "fanin test XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot create a folder like " + name);
    path_ = std::filesystem::canonical(name);
  }
  ScratchRoot(const ScratchRoot&) = delete;
  ScratchRoot& operator=(const ScratchRoot&) = delete;
  ~ScratchRoot() {
    std::error_code ignored;
    if (!::testing::UnitTest::GetInstance()->Failed()) std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// An empty folder of the running test; another `name` is another folder.
inline std::filesystem::path scratch_folder(const std::string& name = "files") {
  static const ScratchRoot root;
  const ::testing::TestInfo* info = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::filesystem::path folder = root.path() / (std::string(info->test_suite_name()) + " " + info->name()) / name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

}  // namespace fanin::test
