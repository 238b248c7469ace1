// Something that is on unless NAME=0 stands in the environment or the program switches it off.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdlib>
#include <string_view>

namespace fanin {

class Switch {
 public:
  explicit Switch(const char* variable) {
    const char* const value = std::getenv(variable);
    on_ = value == nullptr || std::string_view(value) != "0";
  }
  bool on() const { return on_; }
  void set(bool on) { on_ = on; }

 private:
  std::atomic<bool> on_;
};

}  // namespace fanin
