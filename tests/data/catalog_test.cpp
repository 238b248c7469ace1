// SPDX-License-Identifier: MIT
#include "data/catalog.h"

#include "data/cache.h"
#include "tests/data/fixtures.h"

#include <algorithm>
#include <set>

namespace fanin {
namespace {

using namespace testing_data;

TEST(OpenDataset, Synthetic) {
  const Dataset d = open_dataset("synthetic:train=40,test=20,seed=3");
  EXPECT_EQ(d.train.size(), 40);
  EXPECT_EQ(d.test.size(), 20);
  EXPECT_NE(open_dataset("synthetic:train=40,test=20").fingerprint, d.fingerprint);
  EXPECT_EQ(open_dataset("synthetic:seed=3,test=20,train=40").fingerprint, d.fingerprint);
  for (const char* bad : {"synthetic:size=3", "synthetic:train=", "synthetic:train=4x", "synthetic:train=-4",
                          "synthetic:train", "synthetic:seed=99999999999999999999999"}) {
    EXPECT_MENTIONS(error_of(ErrorKind::usage, [&] { open_dataset(bad); }), "synthetic");
  }
}

TEST(OpenDataset, CacheFolderAndArchive) {
  const Path folder = scratch_folder("f");
  for (const char* name : {"set/train/a/1.png", "set/train/b/1.png", "set/test/a/1.png", "set/test/b/2.png"}) {
    write_file(folder / name, plain_png(4, 4, static_cast<std::uint8_t>(name[10]), 1, 1));
  }
  const Dataset from_folder = open_dataset((folder / "set").string());
  std::vector<Member> members;
  for (const char* name : {"set/train/a/1.png", "set/train/b/1.png", "set/test/a/1.png", "set/test/b/2.png"}) {
    members.push_back({.name = name, .content = read_file(folder / name)});
  }
  write_tar(folder / "set.tar.gz", members);
  EXPECT_EQ(open_dataset((folder / "set.tar.gz").string()).fingerprint, from_folder.fingerprint);
  write_cache(folder / "cached.fanin", from_folder);
  EXPECT_EQ(open_dataset((folder / "cached.fanin").string()).fingerprint, from_folder.fingerprint);
  EXPECT_EQ(open_dataset((folder / "cached").string()).fingerprint, from_folder.fingerprint);
}

TEST(OpenDataset, CorruptImagesDoNotGoUnnoticed) {
  const Path folder = scratch_folder("f");
  for (const char* name : {"a/1.png", "a/2.png", "b/1.png", "b/2.png"})
    write_file(folder / name, plain_png(4, 4, 1, 2, 3));
  EXPECT_EQ(open_dataset(folder.string()).train.size(), 2);
  write_file(folder / "b/3.png", bytes_of("nonsense"));
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { open_dataset(folder.string()); }), "b/3.png: not a readable image");
}

TEST(OpenDataset, WhatIsNotThereIsExplained) {
  const std::string missing = error_of(ErrorKind::input, [] { open_dataset("/nowhere/cifar10"); });
  EXPECT_MENTIONS(missing, "/nowhere/cifar10: no such data set");
  EXPECT_MENTIONS(missing, "fanin data fetch cifar10");
  EXPECT_MENTIONS(missing, "fanin data import");
  error_of(ErrorKind::usage, [] { open_dataset(""); });
  const Path file = scratch_folder("f") / "x";
  for (const char* content : {"", "hello", "12345678{\"a\":1}", "12345678{"}) {
    write_file(file, bytes_of(content));
    error_of(ErrorKind::input, [&] { open_dataset(file.string()); });
  }
}

// The first pixel of a counting image identifies it (fewer than 256 images).
std::set<int> identities(const Split& split) {
  std::set<int> found;
  for (std::size_t i = 0; i < split.labels.size(); ++i) found.insert(split.pixels[i * 72]);
  return found;
}

std::vector<int> counts(const Split& split) {
  std::vector<int> result(3);
  for (const std::int32_t label : split.labels) ++result[static_cast<std::size_t>(label)];
  return result;
}

TEST(Select, IsBalancedSeededAndNested) {
  const Dataset d = counting_dataset(90, 9);
  for (const int size : {3, 30, 61}) {
    const Dataset s = select(d, {size}, 4);
    EXPECT_EQ(s.train.size(), size);
    const std::vector<int> per_class = counts(s.train);
    EXPECT_LE(
        *std::max_element(per_class.begin(), per_class.end()) - *std::min_element(per_class.begin(), per_class.end()),
        1);
    EXPECT_EQ(s.test.pixels.data(), d.test.pixels.data());
    EXPECT_EQ(s.mean, d.mean);
    EXPECT_EQ(select(d, {size}, 4).fingerprint, s.fingerprint);
    EXPECT_NE(select(d, {size}, 5).fingerprint, s.fingerprint);
    EXPECT_NE(s.fingerprint, d.fingerprint);
  }
  const std::set<int> small = identities(select(d, {12}, 4).train), large = identities(select(d, {50}, 4).train);
  EXPECT_EQ(small.size(), 12u);
  EXPECT_TRUE(std::includes(large.begin(), large.end(), small.begin(), small.end()));
  EXPECT_EQ(select(d, {0}, 4).fingerprint, d.fingerprint);
  EXPECT_EQ(select(d, {90}, 4).fingerprint, d.fingerprint);
}

TEST(Select, ValidationComesFromTrainingAlone) {
  const Dataset d = counting_dataset(90, 9);
  const Dataset all = select(d, {0, 15}, 4), fewer = select(d, {60, 15}, 4);
  EXPECT_EQ(all.train.size(), 75);
  EXPECT_EQ(all.test.size(), 15);
  EXPECT_EQ(counts(all.test), std::vector<int>(3, 5));
  EXPECT_EQ(fewer.train.size(), 45);
  const std::set<int> validation = identities(all.test), training = identities(all.train);
  EXPECT_EQ(validation, identities(fewer.test));
  for (const int image : validation) EXPECT_FALSE(training.contains(image));
  std::set<int> both = training;
  both.insert(validation.begin(), validation.end());
  EXPECT_EQ(both, identities(d.train));
  validate(all, "x");
}

TEST(Select, TestImagesAreBalancedAndTheSameForEverySeed) {
  const Dataset d = counting_dataset(30, 90);
  const Dataset s = select(d, {.test_size = 12}, 4), other = select(d, {.train_size = 9, .test_size = 12}, 5);
  EXPECT_EQ(s.test.size(), 12);
  EXPECT_EQ(counts(s.test), std::vector<int>(3, 4));
  EXPECT_EQ(identities(s.test), identities(other.test));
  EXPECT_EQ(s.train.pixels.data(), d.train.pixels.data());
  EXPECT_EQ(other.train.size(), 9);
  EXPECT_NE(s.fingerprint, d.fingerprint);
  EXPECT_EQ(select(d, {.test_size = 90}, 4).fingerprint, d.fingerprint);
  validate(s, "x");
}

TEST(Select, LabelsStayWithTheirPixels) {
  const Dataset d = counting_dataset(90, 9), s = select(d, {31, 7}, 2);
  for (const Split* split : {&s.train, &s.test}) {
    for (std::size_t i = 0; i < split->labels.size(); ++i) {
      // counting images: first pixel 7 i mod 256, label i mod 3; 183 is the inverse of 7 modulo 256.
      EXPECT_EQ(split->labels[i], split->pixels[i * 72] * 183 % 256 % 3);
    }
  }
}

TEST(Select, KeepsTheDataAlive) {
  Dataset s;
  { s = select(counting_dataset(30, 9), {10}, 4); }
  EXPECT_EQ(measure_fingerprint(s), s.fingerprint);
}

TEST(Select, ImpossibleSizesAreErrors) {
  const Dataset d = counting_dataset(30, 9);
  EXPECT_MENTIONS(error_of(ErrorKind::usage, [&] { select(d, {31}, 1); }), "has 30 training images");
  error_of(ErrorKind::usage, [&] { select(d, {-1}, 1); });
  EXPECT_MENTIONS(error_of(ErrorKind::usage, [&] { select(d, {10, 10}, 1); }), "leave none to train on");
  error_of(ErrorKind::usage, [&] { select(d, {0, -2}, 1); });
  EXPECT_MENTIONS(error_of(ErrorKind::usage, [&] { select(d, {.test_size = 10}, 1); }), "has 9 test images");
  error_of(ErrorKind::usage, [&] { select(d, {.test_size = -1}, 1); });
  EXPECT_MENTIONS(error_of(ErrorKind::usage, [&] { select(d, {.validation = 5, .test_size = 5}, 1); }), "only one");
}

}  // namespace
}  // namespace fanin
