// What is needed soon, fetched into the L2 cache a little at a time while register tiles are computed. Memory is slow to
// answer and has nothing else to do meanwhile; asked for at once, the same lines make everybody wait.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace fanin::micro {

class Ahead {
 public:
  // `rows` rows of `floats` floats, `stride` apart. What was added last is fetched first.
  void add(const float* first, std::ptrdiff_t stride, int rows, int floats) {
    if (rows > 0 && count_ < kMost) areas_[count_++] = {first, stride, rows, floats};
  }
  void add(const float* first, std::size_t floats) {
    add(first, kStep, static_cast<int>((floats + kStep - 1) / kStep), kStep);
  }
  [[gnu::always_inline]] void step() {
    if (count_ > 0) fetch();
  }

 private:
  static constexpr int kMost = 8, kLine = 16, kStep = 8 * kLine;  // floats in a cache line, and in a step
  struct Area {
    const float* row;
    std::ptrdiff_t stride;
    int rows, floats;
  };
  void fetch() {
    Area& area = areas_[count_ - 1];
#pragma GCC unroll 8
    for (int i = 0; i < kStep; i += kLine) __builtin_prefetch(area.row + done_ + i, 0, 2);
    done_ += kStep;
    if (done_ < area.floats) return;
    done_ = 0;
    area.row += area.stride;
    if (--area.rows == 0) --count_;
  }

  Area areas_[kMost];
  int count_ = 0, done_ = 0;
};

struct NothingAhead {
  void step() const {}
};
constexpr NothingAhead kNothingAhead;

}  // namespace fanin::micro
