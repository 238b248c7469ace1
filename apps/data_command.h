// `fanin data import | info | fetch`: from files to data sets that training maps at once.
// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>

namespace fanin {

void add_data_command(CLI::App& app);  // the callbacks do the work and throw Error

}  // namespace fanin
