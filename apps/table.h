// Columns of text as wide as their widest cell; numbers right, words left.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace fanin {

class Table {
 public:
  // A title that begins with '>' is of a right-aligned column.
  explicit Table(std::vector<std::string> titles);
  void add(std::vector<std::string> cells);  // as many as titles
  std::string text() const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

std::string thousands(long long n);  // "1,234,567"

}  // namespace fanin
