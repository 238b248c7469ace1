// Numbers as a row of block characters, for terminals. UTF-8: put it in the last column of a table.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace fanin {

// One character a number, from a blank (0) to a full block (the largest). Negative and NaN count as 0.
inline std::string sparkline(const std::vector<double>& values) {
  static const char* const levels[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double largest = 0.0;
  for (const double v : values) largest = std::max(largest, v);
  std::string text;
  for (const double v : values) {
    const double share = largest > 0.0 && v > 0.0 ? v / largest : 0.0;
    // What is there at all shows.
    text += levels[share > 0.0 ? std::clamp(static_cast<int>(share * 8.0 + 0.5), 1, 8) : 0];
  }
  return text;
}

}  // namespace fanin
