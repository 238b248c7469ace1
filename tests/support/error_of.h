// SPDX-License-Identifier: MIT
#pragma once

#include "core/check.h"

#include <functional>
#include <string>

namespace fanin::test {

// What the action complained about, or "no error".
inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace fanin::test
