// SPDX-License-Identifier: MIT
#include "data/cache.h"

#include "core/io/safetensors.h"
#include "tests/data/fixtures.h"

namespace fanin {
namespace {

using namespace testing_data;

TEST(Cache, RoundTrip) {
  const Path path = scratch_folder("c") / "set.fanin";
  Dataset d = counting_dataset(9, 4);
  d.class_names[1] = "na\"me \xc3\xa9";
  write_cache(path, d);
  const Dataset back = open_cache(path);
  EXPECT_EQ(back.name, d.name);
  EXPECT_EQ(back.image, d.image);
  EXPECT_EQ(back.class_names, d.class_names);
  EXPECT_EQ(back.mean, d.mean);
  EXPECT_EQ(back.std, d.std);
  EXPECT_EQ(back.fingerprint, d.fingerprint);
  verify_fingerprint(back, "x");
  EXPECT_TRUE(std::equal(back.test.pixels.begin(), back.test.pixels.end(), d.test.pixels.begin(), d.test.pixels.end()));
  EXPECT_TRUE(
      std::equal(back.train.labels.begin(), back.train.labels.end(), d.train.labels.begin(), d.train.labels.end()));
  write_cache(path, back);  // over the file it is mapped from
  EXPECT_EQ(measure_fingerprint(back), d.fingerprint);
  EXPECT_EQ(open_cache(path).fingerprint, d.fingerprint);
}

TEST(Cache, SameBytesTwice) {
  const Path folder = scratch_folder("c");
  write_cache(folder / "a", counting_dataset(9, 4));
  write_cache(folder / "b", counting_dataset(9, 4));
  EXPECT_EQ(read_file(folder / "a"), read_file(folder / "b"));
}

TEST(Cache, EveryTruncationIsAnError) {
  const Path path = scratch_folder("c") / "set.fanin";
  write_cache(path, counting_dataset(3, 3));
  const Bytes whole = read_file(path);
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    write_file(path, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    error_of(ErrorKind::input, [&] { open_cache(path); });
  }
}

TEST(Cache, VerifyFindsAChangedPixel) {
  const Path path = scratch_folder("c") / "set.fanin";
  write_cache(path, counting_dataset(9, 4));
  Bytes content = read_file(path);
  content.back() ^= std::byte{1};
  write_file(path, content);
  const Dataset d = open_cache(path);
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { verify_fingerprint(d, "set.fanin"); }),
                  "set.fanin: pixels and labels have");
}

// Writes a cache with one thing changed.
struct Draft {
  std::vector<std::int32_t> train_labels = {0, 1}, test_labels = {1};
  std::vector<std::uint8_t> train = std::vector<std::uint8_t>(24), test = std::vector<std::uint8_t>(12);
  std::vector<std::size_t> train_shape = {2, 2, 2, 3}, test_shape = {1, 2, 2, 3};
  io::DType label_type = io::DType::i32;
  std::map<std::string, std::string> metadata = {
      {"format", "fanin-dataset"}, {"version", "1"},   {"name", "n"},       {"classes", "[\"a\",\"b\"]"},
      {"mean", "[0.5,0.5,0.5]"},   {"std", "[1,1,1]"}, {"fingerprint", "0"}};
};

template <class Change>
std::string message_of(Change&& change) {
  const Path path = scratch_folder("c") / "set.fanin";
  Draft d;
  change(d);
  io::write_safetensors(
      path,
      {{"train_labels",
        d.label_type,
        {d.train_labels.size() * 4 / size_of(d.label_type)},
        std::as_bytes(std::span(d.train_labels))},
       {"test_labels", io::DType::i32, {d.test_labels.size()}, std::as_bytes(std::span(d.test_labels))},
       {"train_images", io::DType::u8, d.train_shape, std::as_bytes(std::span(d.train))},
       {"test_images", io::DType::u8, d.test_shape, std::as_bytes(std::span(d.test))}},
      d.metadata);
  return error_of(ErrorKind::input, [&] { open_cache(path); });
}

TEST(Cache, BelievesNothing) {
  EXPECT_MENTIONS(message_of([](Draft& d) { d.train_labels[1] = 2; }), "train image 1 has label 2");
  EXPECT_MENTIONS(message_of([](Draft& d) { d.train_labels[1] = -1; }), "train image 1 has label -1");
  EXPECT_MENTIONS(message_of([](Draft& d) { d.train_labels = {0}; }), "train_images has 2 images for 1 labels");
  EXPECT_MENTIONS(message_of([](Draft& d) { d.label_type = io::DType::i64; }), "type I64");
  EXPECT_MENTIONS(message_of([](Draft& d) { d.train_shape = {2, 12}; }), "2 dimensions");
  EXPECT_MENTIONS(message_of([](Draft& d) {
                    d.test_shape = {1, 2, 1, 6};
                  }),
                  "training images are 1x2x2x3, test images 1x2x1x6");
  EXPECT_MENTIONS(message_of([](Draft& d) { d.metadata.erase("format"); }), "not a data set");
  EXPECT_MENTIONS(message_of([](Draft& d) { d.metadata["version"] = "2"; }), "version \"2\"");
  EXPECT_MENTIONS(message_of([](Draft& d) { d.metadata.erase("classes"); }), "no \"classes\"");
  EXPECT_MENTIONS(message_of([](Draft& d) { d.metadata["classes"] = "[1]"; }), "\"classes\"");
  EXPECT_MENTIONS(message_of([](Draft& d) { d.metadata["classes"] = "[\"a\""; }), "\"classes\"");
  EXPECT_MENTIONS(message_of([](Draft& d) { d.metadata["classes"] = "[]"; }), "0 classes");
  EXPECT_MENTIONS(message_of([](Draft& d) { d.metadata["mean"] = "[0.5]"; }), "1 means");
  EXPECT_MENTIONS(message_of([](Draft& d) { d.metadata["std"] = "[1,0,1]"; }), "standard deviation 0");
}

TEST(Cache, NamesMustBeText) {
  const Path path = scratch_folder("c") / "set.fanin";
  Dataset d = counting_dataset(3, 3);
  d.class_names[2] = "caf\xe9";
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { write_cache(path, d); }), "is not UTF-8");
  d = counting_dataset(3, 3);
  d.name = "\xff";
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { write_cache(path, d); }), "is not UTF-8");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Cache, WrongPlacesAreErrors) {
  error_of(ErrorKind::output, [] { write_cache("/nonexistent-folder/x.fanin", counting_dataset(3, 3)); });
  error_of(ErrorKind::input, [] { open_cache("/nonexistent-folder/x.fanin"); });
}

}  // namespace
}  // namespace fanin
