// SPDX-License-Identifier: MIT
#include "data/inspect.h"

#include "core/check.h"
#include "core/rng.h"

#include <unordered_set>

namespace fanin {

namespace {

constexpr std::size_t kGap = 2;  // white pixels between images

int repeats(const Split& split, std::size_t bytes, std::unordered_set<std::uint64_t>& seen) {
  int count = 0;
  for (std::size_t i = 0; i < split.labels.size(); ++i) {
    count += seen.insert(hash_bytes(split.pixels.data() + i * bytes, bytes)).second ? 0 : 1;
  }
  return count;
}

}  // namespace

ContactSheet contact_sheet(const Dataset& d, int columns) {
  const std::size_t channels = static_cast<std::size_t>(d.image.channels);
  FANIN_CHECK(channels == 1 || channels == 3, usage, "{}: a contact sheet needs 1 or 3 channels, these images have {}",
              d.name, channels);
  FANIN_CHECK(columns >= 1, usage, "a contact sheet of {} columns; give at least 1", columns);
  const std::size_t h = static_cast<std::size_t>(d.image.height), w = static_cast<std::size_t>(d.image.width);
  const std::size_t rows = d.class_names.size(), across = static_cast<std::size_t>(columns);
  const std::size_t width = kGap + across * (w + kGap), height = kGap + rows * (h + kGap);
  ContactSheet sheet{static_cast<int>(height), static_cast<int>(width),
                     std::vector<std::uint8_t>(height * width * 3, 255)};
  std::vector<std::size_t> placed(rows);
  for (std::size_t i = 0; i < d.train.labels.size(); ++i) {
    const std::size_t row = static_cast<std::size_t>(d.train.labels[i]);
    if (placed[row] == across) continue;
    const std::size_t left = kGap + placed[row]++ * (w + kGap), top = kGap + row * (h + kGap);
    const std::uint8_t* from = d.train.pixels.data() + i * d.image.size();
    for (std::size_t y = 0; y < h; ++y) {
      for (std::size_t k = 0; k < 3 * w; ++k) {
        sheet.pixels[((top + y) * width + left) * 3 + k] =
            from[(y * w + k / 3) * channels + (channels == 3 ? k % 3 : 0)];
      }
    }
  }
  return sheet;
}

Duplicates count_duplicates(const Dataset& d) {
  std::unordered_set<std::uint64_t> train, test;
  Duplicates result;
  result.in_train = repeats(d.train, d.image.size(), train);
  result.in_test = repeats(d.test, d.image.size(), test);
  for (const std::uint64_t hash : test) result.test_also_in_train += train.contains(hash) ? 1 : 0;
  return result;
}

}  // namespace fanin
