// SPDX-License-Identifier: MIT
#include "data/batches.h"

#include "tests/data/fixtures.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>
#include <thread>

// Counts heap allocations of the whole program while asked to, to show that preparing a batch makes none.
namespace {
std::atomic<bool> counting{false};
std::atomic<int> allocations{0};
}  // namespace

#if !defined(__SANITIZE_ADDRESS__)
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (counting) ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace fanin {
namespace {

using namespace testing_data;

BatchOptions options_for(const Dataset& d, int batch_size, const std::string& augmentation = "crop:pad=2,mirror") {
  BatchOptions options;
  options.batch_size = batch_size;
  options.seed = 9;
  options.augmentation = parse_augmentation(augmentation, d);
  return options;
}

struct Given {
  std::vector<float> values;
  std::vector<int> labels;
  std::vector<int> sizes;
};

Given drain(BatchSource& source, int pause_ms = 0) {
  Given given;
  Batch batch;
  while (source.next(batch)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
    given.sizes.push_back(batch.images.shape.images);
    given.values.insert(given.values.end(), batch.images.data, batch.images.data + batch.images.shape.size());
    given.labels.insert(given.labels.end(), batch.labels.begin(), batch.labels.end());
  }
  EXPECT_FALSE(source.next(batch));  // and it stays at the end
  return given;
}

TEST(Batches, FollowTheNamedStreams) {
  const Dataset d = counting_dataset(50, 5);
  const BatchOptions options = options_for(d, 8);
  const auto source = make_batches(d, d.train, options);
  EXPECT_EQ(source->batches_per_epoch(), 6);
  EXPECT_EQ(source->images_per_epoch(), 48);
  EXPECT_EQ(source->largest_batch(), 8);
  for (const int epoch : {1, 2, 7}) {
    source->start_epoch(epoch);
    const Given given = drain(*source);
    EXPECT_EQ(given.sizes, std::vector<int>(6, 8));
    const std::vector<std::uint32_t> order = Rng::stream(9, "shuffle/" + std::to_string(epoch)).permutation(50);
    std::vector<float> one(72);
    for (std::size_t i = 0; i < 48; ++i) {
      ASSERT_EQ(given.labels[i], d.train.labels[order[i]]);
      const Rng rng = Rng::stream(9, "augment/" + std::to_string(epoch) + "/" + std::to_string(order[i]));
      augment(options.augmentation, d.image, d.train.pixels.data() + order[i] * 72, rng, one.data());
      ASSERT_TRUE(std::equal(one.begin(), one.end(), given.values.begin() + static_cast<std::ptrdiff_t>(i * 72)));
    }
  }
}

TEST(Batches, TestOrderIsTheFilesAndTheLastBatchIsShort) {
  const Dataset d = counting_dataset(6, 11);
  BatchOptions options = options_for(d, 4, "none");
  options.shuffle = options.drop_last = false;
  const auto source = make_batches(d, d.test, options);
  EXPECT_EQ(source->batches_per_epoch(), 3);
  EXPECT_EQ(source->images_per_epoch(), 11);
  source->start_epoch(1);
  const Given given = drain(*source);
  EXPECT_EQ(given.sizes, (std::vector<int>{4, 4, 3}));
  EXPECT_TRUE(std::equal(given.labels.begin(), given.labels.end(), d.test.labels.begin(), d.test.labels.end()));
  options.batch_size = 100;
  const auto whole = make_batches(d, d.test, options);
  EXPECT_EQ(whole->largest_batch(), 11);
  whole->start_epoch(1);
  EXPECT_EQ(drain(*whole).values, given.values);
}

TEST(Batches, TimingAndHistoryChangeNothing) {
  const Dataset d = counting_dataset(40, 5);
  const auto source = make_batches(d, d.train, options_for(d, 8)), other = make_batches(d, d.train, options_for(d, 8));
  source->start_epoch(3);
  const Given quick = drain(*source);
  source->start_epoch(3);
  EXPECT_EQ(drain(*source, 5).values, quick.values);
  Batch batch;
  for (int taken = 0; taken < 5; ++taken) {  // leave epochs in the middle
    other->start_epoch(taken + 1);
    for (int i = 0; i < taken; ++i) ASSERT_TRUE(other->next(batch));
  }
  other->start_epoch(3);
  EXPECT_EQ(drain(*other).values, quick.values);
  source->start_epoch(4);
  EXPECT_NE(drain(*source).values, quick.values);
}

TEST(Batches, ANewEpochWaitsForTheBatchUnderWay) {
  const Dataset d = counting_dataset(8000, 5);
  const auto source = make_batches(d, d.train, options_for(d, 4000)),
             other = make_batches(d, d.train, options_for(d, 4000));
  Batch batch, expected;
  other->start_epoch(2);
  ASSERT_TRUE(other->next(expected));
  for (int i = 0; i < 20; ++i) {
    source->start_epoch(1);
    std::this_thread::sleep_for(std::chrono::microseconds(i * 40));  // the worker is somewhere in its first batch
    source->start_epoch(2);
    ASSERT_TRUE(source->next(batch));
    ASSERT_TRUE(std::equal(expected.labels.begin(), expected.labels.end(), batch.labels.begin()));
    const std::size_t size = expected.images.shape.size();
    ASSERT_TRUE(std::equal(expected.images.data, expected.images.data + size, batch.images.data));
  }
}

TEST(Batches, SkipExactlyToABatch) {
  const Dataset d = counting_dataset(40, 5);
  const auto source = make_batches(d, d.train, options_for(d, 8));
  source->start_epoch(2);
  const Given all = drain(*source);
  for (int first = 0; first <= 5; ++first) {
    source->start_epoch(2, first);
    const Given rest = drain(*source);
    EXPECT_EQ(rest.values, std::vector<float>(all.values.begin() + first * 8 * 72, all.values.end()));
  }
  error_of(ErrorKind::usage, [&] { source->start_epoch(2, 6); });
}

TEST(Batches, ViewsLiveUntilTheNextCall) {
  const Dataset d = counting_dataset(40, 5);
  const auto source = make_batches(d, d.train, options_for(d, 4));
  source->start_epoch(1);
  Batch batch;
  while (source->next(batch)) {
    const std::vector<float> before(batch.images.data, batch.images.data + batch.images.shape.size());
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // the worker prepares what it may
    EXPECT_TRUE(std::equal(before.begin(), before.end(), batch.images.data));
  }
}

TEST(Batches, MayBeDestroyedAtAnyPoint) {
  const Dataset d = counting_dataset(40, 5);
  for (int taken = -1; taken <= 5; ++taken) {
    const auto source = make_batches(d, d.train, options_for(d, 8));
    if (taken >= 0) source->start_epoch(1);
    Batch batch;
    for (int i = 0; i < taken; ++i) source->next(batch);
  }
}

#if !defined(__SANITIZE_ADDRESS__)
TEST(Batches, PreparingABatchAllocatesNothing) {
  const Dataset d = counting_dataset(64, 5);
  const auto source = make_batches(d, d.train, options_for(d, 4, "crop:pad=2:padding=reflect,mirror,cutout:2"));
  source->start_epoch(123'456);
  Batch batch;
  source->next(batch);
  allocations = 0;
  counting = true;
  while (source->next(batch)) {
  }
  counting = false;
  EXPECT_EQ(allocations, 0);
}
#endif

TEST(Batches, ImpossibleRequestsAreErrors) {
  const Dataset d = counting_dataset(40, 5);
  const std::string message = error_of(ErrorKind::usage, [&] { make_batches(d, d.train, options_for(d, 41)); });
  EXPECT_MENTIONS(message, "batch size 41 exceeds the 40 images");
  error_of(ErrorKind::usage, [&] { make_batches(d, d.train, options_for(d, 0)); });
  error_of(ErrorKind::usage, [&] { make_batches(d, Split{}, options_for(d, 1)); });
  BatchOptions unset;
  unset.batch_size = 4;
  EXPECT_MENTIONS(error_of(ErrorKind::shape, [&] { make_batches(d, d.train, unset); }), "0 means");
  const auto source = make_batches(d, d.train, options_for(d, 4));
  Batch batch;
  error_of(ErrorKind::usage, [&] { source->next(batch); });
}

}  // namespace
}  // namespace fanin
