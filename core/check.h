// One way to fail: an Error carries a sentence for a person and the exit code that the command line turns it into.
// A message names the place, the values found and the remedy.
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace fanin {

// The numbers are the documented exit codes of the command line.
enum class ErrorKind {
  usage = 2,   // a command line, setting, model name or scheme name that makes no sense
  input = 3,   // a file that is missing, truncated, foreign or corrupt
  shape = 4,   // layers, weights or images that do not fit together
  output = 5,  // a file or folder that cannot be written
  memory = 6,  // more memory needed than the machine has
  busy = 7,    // another process holds the run folder
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

template <class... Values>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Values...> text, Values&&... values) {
  throw Error(kind, fmt::format(text, std::forward<Values>(values)...));
}

}  // namespace fanin

// FANIN_CHECK(channels > 0, shape, "conv: {} channels; give at least 1", channels);
#define FANIN_CHECK(condition, kind, ...)                                   \
  do {                                                                      \
    if (!(condition)) ::fanin::fail(::fanin::ErrorKind::kind, __VA_ARGS__); \
  } while (false)
