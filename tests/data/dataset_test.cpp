// SPDX-License-Identifier: MIT
#include "data/dataset.h"

#include "tests/data/fixtures.h"

#include <cmath>
#include <limits>

namespace fanin {
namespace {

using namespace testing_data;

TEST(Dataset, MeasuresMeanAndStdPerChannel) {
  // Channel 0: 0 and 255 in equal parts: mean 1/2, std 1/2. Channel 1: 51, 51, 51, 255: mean 102/255 = 0.4, std
  // sqrt(3 * 51^2 + 153^2) / 2 / 255 = sqrt(31212) / 510. Channel 2 is constant.
  const std::vector<std::uint8_t> pixels = {0, 51, 9, 255, 51, 9, 0, 51, 9, 255, 255, 9};
  const ChannelConstants found = measure_channels(pixels, 3);
  EXPECT_FLOAT_EQ(found.mean[0], 0.5f);
  EXPECT_FLOAT_EQ(found.std[0], 0.5f);
  EXPECT_FLOAT_EQ(found.mean[1], 0.4f);
  EXPECT_FLOAT_EQ(found.std[1], static_cast<float>(std::sqrt(31212.0) / 510.0));
  EXPECT_FLOAT_EQ(found.mean[2], 9.0f / 255.0f);
  EXPECT_EQ(found.std[2], 1.0f);
}

TEST(Dataset, PresetsAreThePublishedConstants) {
  const Dataset d = counting_dataset(9, 3);
  const ChannelConstants c10 = normalization("cifar10", d);
  EXPECT_FLOAT_EQ(c10.mean[0] * 255, 125.3f);
  EXPECT_FLOAT_EQ(c10.mean[1] * 255, 123.0f);
  EXPECT_FLOAT_EQ(c10.mean[2] * 255, 113.9f);
  EXPECT_FLOAT_EQ(c10.std[0] * 255, 63.0f);
  EXPECT_FLOAT_EQ(c10.std[1] * 255, 62.1f);
  EXPECT_FLOAT_EQ(c10.std[2] * 255, 66.7f);
  EXPECT_FLOAT_EQ(normalization("bamos", d).std[2], 0.26158768f);
  EXPECT_FLOAT_EQ(normalization("cifar100-fb", d).mean[2] * 255, 112.4f);
  EXPECT_EQ(normalization("dataset", d).mean, d.mean);
  const std::string message = error_of(ErrorKind::usage, [&] { normalization("imagenet", d); });
  EXPECT_MENTIONS(message, "cifar10, bamos, cifar100-fb");
}

TEST(Dataset, FingerprintSeesEveryPixelAndLabel) {
  const Dataset d = counting_dataset(9, 3);
  std::vector<std::uint8_t> pixels(d.test.pixels.begin(), d.test.pixels.end());
  std::vector<std::int32_t> labels(d.test.labels.begin(), d.test.labels.end());
  Dataset changed = d;
  changed.test = {pixels, labels};
  EXPECT_EQ(measure_fingerprint(changed), d.fingerprint);
  pixels.back() ^= 1;
  EXPECT_NE(measure_fingerprint(changed), d.fingerprint);
  pixels.back() ^= 1;
  labels.back() = (labels.back() + 1) % 3;
  EXPECT_NE(measure_fingerprint(changed), d.fingerprint);
  Dataset swapped = d;
  std::swap(swapped.train, swapped.test);
  EXPECT_NE(measure_fingerprint(swapped), d.fingerprint);
}

TEST(Dataset, ValidationNamesWhatIsWrong) {
  const Dataset good = counting_dataset(9, 3);
  validate(good, "x");
  const auto message = [&](auto&& change) {
    Dataset d = good;
    change(d);
    return error_of(ErrorKind::input, [&] { validate(d, "x"); });
  };
  EXPECT_MENTIONS(message([](Dataset& d) { d.class_names.pop_back(); }),
                  "train image 2 has label 2, but there are 2 classes");
  EXPECT_MENTIONS(message([](Dataset& d) { d.class_names.clear(); }), "0 classes");
  EXPECT_MENTIONS(message([](Dataset& d) { d.class_names[2] = "a"; }), "two classes are named \"a\"");
  EXPECT_MENTIONS(message([](Dataset& d) { d.test = {}; }), "test split is empty");
  EXPECT_MENTIONS(message([](Dataset& d) { d.image.width = 7; }), "648 pixel bytes instead of 756");
  EXPECT_MENTIONS(message([](Dataset& d) { d.image.height = 0; }), "0x6");
  EXPECT_MENTIONS(message([](Dataset& d) { d.image.height = 100'000; }), "100000x6");
  EXPECT_MENTIONS(message([](Dataset& d) { d.mean.pop_back(); }), "2 means");
  EXPECT_MENTIONS(message([](Dataset& d) { d.std[1] = 0; }), "standard deviation 0");
  EXPECT_MENTIONS(message([](Dataset& d) { d.mean[0] = std::numeric_limits<float>::quiet_NaN(); }), "mean nan");
}

TEST(Dataset, OwnsWhatItShows) {
  Dataset copy;
  {
    const Dataset d = counting_dataset(9, 3);
    copy = d;
  }
  EXPECT_EQ(measure_fingerprint(copy), copy.fingerprint);
}

}  // namespace
}  // namespace fanin
