// Where a result came from: processor, compiler, libraries, threads. Written beside every run.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace fanin {

std::string version();           // "0.1.0"
std::string environment_json();  // an object, indented

}  // namespace fanin
