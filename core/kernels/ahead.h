// What is needed soon, fetched into the L2 cache a little at a time while register tiles are computed. Memory is slow to
// answer and has nothing else to do meanwhile; asked for at once, the same lines make everybody wait.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace fanin::micro {

class Ahead {
 public:
  Ahead() = default;
  explicit Ahead(Ahead* afterwards) : afterwards_(afterwards) {}  // what to fetch with the time that is left
  // `rows` rows of `floats` floats, `stride` apart. What was added last is fetched first; what is too much is left out.
  void add(const float* first, std::ptrdiff_t stride, int rows, int floats) {
    if (rows <= 0 || floats <= 0 || count_ == kMost) return;
    if (stride == floats)
      areas_[count_++] = {first, 0, 1, floats * rows, 0};
    else
      areas_[count_++] = {first, stride, rows, floats, 0};
  }
  void add(const float* first, std::size_t floats) { add(first, 0, 1, static_cast<int>(floats)); }
  [[gnu::always_inline]] void step() {
    if (count_ > 0) return fetch();
    if (afterwards_ != nullptr && afterwards_->count_ > 0) afterwards_->fetch();
  }

 private:
  static constexpr int kMost = 8, kLine = 16, kLines = 8;  // floats in a cache line; lines in a step
  struct Area {
    const float* row;
    std::ptrdiff_t stride;
    int rows, floats, done;
  };
  void fetch() {
    Area& area = areas_[count_ - 1];
    for (int i = 0; i < kLines; ++i) {
      __builtin_prefetch(area.row + area.done, 0, 2);
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
  int count_ = 0;
  Ahead* afterwards_ = nullptr;
};

struct NothingAhead {
  void step() const {}
};
constexpr NothingAhead kNothingAhead;

}  // namespace fanin::micro
