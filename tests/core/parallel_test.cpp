// Which indices parallel_for calls, in which order, and that nobody waits for a thread that is slower.
// SPDX-License-Identifier: MIT
#include "core/tensor/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace fanin {
namespace {

class Parallel : public testing::Test {
 protected:
  ~Parallel() override { set_thread_count(before_); }

 private:
  const int before_ = thread_count();
};

TEST_F(Parallel, EachIndexOnce) {
  for (const int threads : {1, 2, 3, 7, 64, 70}) {
    set_thread_count(threads);
    for (const int count : {0, 1, 2, 3, 63, 64, 65, 1000}) {
      std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
      parallel_for(count, [&](int i) { ++seen.at(static_cast<std::size_t>(i)); });
      for (int i = 0; i < count; ++i)
        ASSERT_EQ(seen[static_cast<std::size_t>(i)], 1) << i << " of " << count << ", " << threads << " threads";
    }
  }
}

// The first index waits until all others are done, which only another thread can do, its own run included.
TEST_F(Parallel, TheOthersTakeWhatIsLeft) {
  set_thread_count(2);
  constexpr int kCount = 20;
  std::atomic<int> done = 0;
  std::atomic<bool> in_time = true;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  parallel_for(kCount, [&](int i) {
    while (i == 0 && done < kCount - 1 && in_time) {
      in_time = std::chrono::steady_clock::now() < deadline;
      std::this_thread::yield();
    }
    ++done;
  });
  EXPECT_TRUE(in_time) << "the rest of a slow thread's run waited for it";
  EXPECT_EQ(done, kCount);
}

// Neighbours share caches: a run is taken in order.
TEST_F(Parallel, ARunIsTakenInOrder) {
  set_thread_count(1);
  std::vector<int> order;
  parallel_for(5, [&](int i) { order.push_back(i); });
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace fanin
