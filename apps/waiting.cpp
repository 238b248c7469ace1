// SPDX-License-Identifier: MIT
#include "apps/waiting.h"

#include <unistd.h>

#include <cstdlib>

namespace fanin {

void limit_spinning(char** argv) {
  constexpr const char* kVariable = "GOMP_SPINCOUNT";
  constexpr const char* kSpins = "20000";  // measured: docs/performance.md
  if (std::getenv(kVariable) != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (::setenv(kVariable, kSpins, 0) == 0) ::execv("/proc/self/exe", argv);
}

}  // namespace fanin
