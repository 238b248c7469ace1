// SPDX-License-Identifier: MIT
#include "apps/study/epoch_csv.h"

#include "core/check.h"
#include "core/text.h"

namespace fanin {

namespace {

constexpr std::uint64_t kMostBytes = 4ull << 30;

// Complete lines about epochs before this one.
std::string rows_before(const io::Path& file, int epoch) {
  std::string text;
  if (!std::filesystem::exists(file)) return text;
  const std::string old = io::read_text(file, kMostBytes);
  const std::vector<std::string_view> lines = split(std::string_view(old).substr(0, old.rfind('\n') + 1), '\n');
  for (const std::string_view line : lines)
    if (const auto of = parse_integer(line.substr(0, line.find(','))); of && *of < epoch)
      text += std::string(line) + "\n";
  return text;
}

}  // namespace

void EpochCsv::put(int epoch, const std::string& rows) {
  if (last_ && epoch > *last_) {
    end_.append(rows);
    end_.sync();
  } else {
    const std::string text = head_ + "\n" + rows_before(file_, epoch) + rows;
    io::write_atomically(file_, text);
    end_ = io::Appender(file_, text.size());
  }
  last_ = epoch;
}

void read_epoch_csv(const io::Path& file, std::size_t cells,
                    const std::function<void(int epoch, const std::vector<std::string_view>&, int line)>& row) {
  if (!std::filesystem::exists(file)) return;
  const std::string text = io::read_text(file, kMostBytes);
  int number = 0;
  for (const std::string_view line : split(text, '\n')) {
    if (++number == 1 || line.empty()) continue;
    const std::vector<std::string_view> parts = split(line, ',');
    const std::optional<long long> epoch = parse_integer(parts.front());
    FANIN_CHECK(epoch && *epoch >= 0 && *epoch <= 1'000'000 && parts.size() == cells, input,
                "{} line {} is not an epoch and {} more cells; remove the file", file.string(), number, cells - 1);
    row(static_cast<int>(*epoch), parts, number);
  }
}

std::vector<double> numbers_of(const std::vector<std::string_view>& cells, std::size_t first, const io::Path& file,
                               int line) {
  std::vector<double> numbers;
  for (std::size_t i = first; i < cells.size(); ++i) {
    const std::optional<double> v = parse_number(cells[i]);
    FANIN_CHECK(v, input, "{} line {}: '{}' is not a number; remove the file", file.string(), line, cells[i]);
    numbers.push_back(*v);
  }
  return numbers;
}

}  // namespace fanin
