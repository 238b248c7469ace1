// What is needed soon, fetched into the caches a little at a time while register tiles are computed. Memory is slow to
// answer and has nothing else to do meanwhile; asked for at once, the same lines make everybody wait.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>

namespace fanin::micro {

class Ahead {
 public:
  Ahead() = default;  // kLines lines in each step
  // For a product of so many steps: more lines in each, if it takes more to fetch everything a little early. `afterwards`
  // gets the steps that are left.
  explicit Ahead(int steps, Ahead* afterwards = nullptr) : steps_(steps), afterwards_(afterwards) {}
  // `rows` rows of `floats` floats, `stride` apart. What was added last is fetched first; what is too much is left out.
  void add(const float* first, std::ptrdiff_t stride, int rows, int floats) {
    if (rows <= 0 || floats <= 0 || count_ == kMost) return;
    if (stride == floats)
      areas_[count_++] = {first, 0, 1, floats * rows, 0};
    else
      areas_[count_++] = {first, stride, rows, floats, 0};
    lines_ += areas_[count_ - 1].rows * (areas_[count_ - 1].floats / kLine + 1);
    if (steps_ > 0) at_once_ = std::clamp((lines_ + lines_ / 4) / steps_ + 1, kLines, 4 * kLines);
  }
  void add(const float* first, std::size_t floats) { add(first, 0, 1, static_cast<int>(floats)); }
  [[gnu::always_inline]] void step() {
    if (count_ > 0) return fetch();
    if (afterwards_ != nullptr && afterwards_->count_ > 0) afterwards_->fetch();
  }

 private:
  static constexpr int kMost = 12, kLine = 16, kLines = 8;  // floats in a cache line; lines in a step
  struct Area {
    const float* row;
    std::ptrdiff_t stride;
    int rows, floats, done;
  };
  void fetch() {
    Area& area = areas_[count_ - 1];
    for (int i = 0; i < at_once_; ++i) {
      __builtin_prefetch(area.row + area.done);
      area.done += kLine;
      if (area.done < area.floats) continue;
      area.done = 0;
      area.row += area.stride;
      if (--area.rows > 0) continue;
      --count_;
      return;
    }
  }

  Area areas_[kMost];
  int count_ = 0, steps_ = 0, lines_ = 0, at_once_ = kLines;
  Ahead* afterwards_ = nullptr;
};

struct NothingAhead {
  void step() const {}
};
constexpr NothingAhead kNothingAhead;

}  // namespace fanin::micro
