// Runs the fanin program as a person does, and looks at what it printed and left behind.
// SPDX-License-Identifier: MIT
#pragma once

#include "tests/support/scratch.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace fanin::test {

using Path = std::filesystem::path;

struct CommandResult {
  int exit_code = -1;
  std::string output;  // both streams
};

// Runs `fanin ARGUMENTS` in `folder` through the shell. `prefix` may hold variables or a wrapper such as "timeout -s
// KILL 0.2".
inline CommandResult run_fanin(const Path& folder, const std::string& arguments, const std::string& prefix = "") {
  const std::string command = "cd '" + folder.string() + "' && OMP_WAIT_POLICY=passive " + prefix +
                              " '" FANIN_BINARY "' " + arguments + " 2>&1";
  CommandResult result;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
    result.output.append(buffer.data(), got);
  const int status = ::pclose(pipe);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

inline std::string file_text(const Path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void write_file(const Path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

// metrics.csv without its two columns of times.
inline std::string metrics_without_times(const Path& run) {
  std::istringstream lines(file_text(run / "metrics.csv"));
  std::string result;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    int column = 0;
    for (std::string field; std::getline(fields, field, ','); ++column)
      if (column != 6 && column != 7) result += field + ",";
    result += "\n";
  }
  return result;
}

}  // namespace fanin::test
