// A CSV file of a run that grows by the rows of an epoch at a time; its first column is the epoch. Written so that a run
// that was killed at any instant and goes on ends with the same bytes: rows of an epoch that is done again are replaced,
// and half a line is dropped. After the first time an epoch costs its own rows and not those of all epochs before.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/io/file.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanin {

class EpochCsv {
 public:
  EpochCsv(io::Path file, std::string head) : file_(std::move(file)), head_(std::move(head)) {}
  // `rows` are whole lines. Rows that the file has of this epoch and of later ones go. Throws ErrorKind::output.
  void put(int epoch, const std::string& rows);

 private:
  const io::Path file_;
  const std::string head_;
  io::Appender end_;
  std::optional<int> last_;  // epoch that this process has written
};

// Calls `row` with the epoch and the cells of each line below the head. Nothing where there is no such file. Throws
// ErrorKind::input, naming file and line, where a line has another number of cells or no epoch.
void read_epoch_csv(const io::Path& file, std::size_t cells,
                    const std::function<void(int epoch, const std::vector<std::string_view>&, int line)>& row);

// From `first` on, which must be numbers. Throws as above.
std::vector<double> numbers_of(const std::vector<std::string_view>& cells, std::size_t first, const io::Path& file,
                               int line);

}  // namespace fanin
