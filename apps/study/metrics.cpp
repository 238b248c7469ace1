// SPDX-License-Identifier: MIT
#include "apps/study/metrics.h"

#include "core/check.h"
#include "core/text.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace fanin {

namespace {

constexpr std::string_view kHeader =
    "epoch,train_loss,train_accuracy,test_loss,test_accuracy,lr,seconds,images_per_second,weights_hash\n";

}  // namespace

std::string metrics_csv(const std::vector<EpochRow>& rows) {
  std::string text(kHeader);
  for (const EpochRow& r : rows)
    text += fmt::format("{},{},{},{},{},{},{:.3f},{:.1f},{:016x}\n", r.epoch, r.train_loss, r.train_accuracy,
                        r.test_loss, r.test_accuracy, r.learning_rate, r.seconds, r.images_per_second, r.weights_hash);
  return text;
}

std::vector<EpochRow> read_metrics(const io::Path& folder) {
  const io::Path path = folder / "metrics.csv";
  if (!std::filesystem::exists(path)) return {};
  std::vector<EpochRow> rows;
  const std::string text = io::read_text(path);
  std::size_t line_number = 0;
  for (const std::string_view line : split(text, '\n')) {
    if (++line_number == 1 || line.empty()) continue;
    const std::vector<std::string_view> f = split(line, ',');
    FANIN_CHECK(f.size() == 9, input, "{}:{}: {} fields instead of 9", path.string(), line_number, f.size());
    double v[8];
    for (std::size_t i = 0; i < 8; ++i) {
      const std::optional<double> value = parse_number(f[i]);
      FANIN_CHECK(value, input, "{}:{}: '{}' is not a number", path.string(), line_number, f[i]);
      v[i] = *value;
    }
    std::uint64_t hash = 0;
    const std::from_chars_result end = std::from_chars(f[8].data(), f[8].data() + f[8].size(), hash, 16);
    FANIN_CHECK(end.ec == std::errc() && end.ptr == f[8].data() + f[8].size(), input,
                "{}:{}: '{}' is not a hash of 16 hexadecimal digits", path.string(), line_number, f[8]);
    rows.push_back({.epoch = static_cast<int>(v[0]),
                    .train_loss = v[1],
                    .train_accuracy = v[2],
                    .test_loss = v[3],
                    .test_accuracy = v[4],
                    .learning_rate = v[5],
                    .seconds = v[6],
                    .images_per_second = v[7],
                    .weights_hash = hash});
  }
  return rows;
}

}  // namespace fanin
