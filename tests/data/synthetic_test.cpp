// SPDX-License-Identifier: MIT
#include "data/synthetic.h"

#include "core/tensor/parallel.h"
#include "data/inspect.h"
#include "tests/data/fixtures.h"

#include <chrono>
#include <cmath>

namespace fanin {
namespace {

using namespace testing_data;

TEST(Synthetic, ShapeAndBalance) {
  const Dataset d = synthetic_dataset();
  EXPECT_EQ(d.train.size(), 2000);
  EXPECT_EQ(d.test.size(), 1000);
  EXPECT_EQ(d.image, (Shape{1, 32, 32, 3}));
  EXPECT_EQ(d.classes(), 10);
  std::vector<int> counts(10);
  for (const std::int32_t label : d.train.labels) ++counts[static_cast<std::size_t>(label)];
  EXPECT_EQ(counts, std::vector<int>(10, 200));
}

TEST(Synthetic, TheSeedDecidesEveryByte) {
  const int threads = thread_count();
  set_thread_count(1);
  const std::string one = synthetic_dataset({.train = 120, .test = 60, .seed = 7}).fingerprint;
  set_thread_count(3);
  EXPECT_EQ(synthetic_dataset({.train = 120, .test = 60, .seed = 7}).fingerprint, one);
  set_thread_count(threads);
  EXPECT_NE(synthetic_dataset({.train = 120, .test = 60, .seed = 8}).fingerprint, one);
  // Recorded once: a change of the pictures changes every published number and must be meant.
  EXPECT_EQ(synthetic_dataset({.train = 20, .test = 10, .seed = 0}).fingerprint, "1471234a3ba5fb04");
}

TEST(Synthetic, AnImageDoesNotDependOnHowManyThereAre) {
  const Dataset few = synthetic_dataset({.train = 30, .test = 10}), many = synthetic_dataset({.train = 60, .test = 20});
  EXPECT_TRUE(std::equal(few.train.pixels.begin(), few.train.pixels.end(), many.train.pixels.begin()));
}

TEST(Synthetic, NoImageTwice) {
  const Duplicates found = count_duplicates(synthetic_dataset());
  EXPECT_EQ(found.in_train, 0);
  EXPECT_EQ(found.in_test, 0);
  EXPECT_EQ(found.test_also_in_train, 0);
}

// If mean colour or contrast told the class, a comparison of networks would compare nothing. The mean of a class over n
// = 200 images has standard error s / sqrt(n), s the spread over images; 5 of these bound all 10 x 3 means (two-sided
// tail 6e-7 each).
TEST(Synthetic, MeanColourSaysNothingAboutTheClass) {
  const Dataset d = synthetic_dataset();
  const std::size_t bytes = d.image.size();
  for (std::size_t channel = 0; channel < 3; ++channel) {
    std::vector<double> sum(10), means;
    double total = 0, squares = 0;
    for (std::size_t i = 0; i < d.train.labels.size(); ++i) {
      double mean = 0;
      for (std::size_t p = channel; p < bytes; p += 3) mean += d.train.pixels[i * bytes + p] / 1024.0;
      sum[static_cast<std::size_t>(d.train.labels[i])] += mean;
      total += mean;
      squares += mean * mean;
    }
    const double mean = total / 2000, spread = std::sqrt(squares / 2000 - mean * mean);
    for (const double s : sum) EXPECT_NEAR(s / 200, mean, 5 * spread / std::sqrt(200.0));
  }
}

TEST(Synthetic, IsQuicklyMade) {
  const auto start = std::chrono::steady_clock::now();
  synthetic_dataset();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  RecordProperty("seconds", std::to_string(took.count()));
  EXPECT_LT(took.count(), 20.0);  // 0.5 s on two cores; the bound leaves room for sanitizers and busy machines
}

TEST(Synthetic, ImpossibleCountsAreErrors) {
  error_of(ErrorKind::usage, [] { synthetic_dataset({.train = 0}); });
  error_of(ErrorKind::usage, [] { synthetic_dataset({.test = -5}); });
  error_of(ErrorKind::usage, [] { synthetic_dataset({.train = 2'000'000'000}); });
}

TEST(Inspect, ContactSheetShowsEachClassInItsRow) {
  const Dataset d = counting_dataset(7, 3);  // labels 0 1 2 0 1 2 0 of 4 x 6 pixels
  const ContactSheet sheet = contact_sheet(d, 2);
  EXPECT_EQ(sheet.width, 2 + 2 * 8);
  EXPECT_EQ(sheet.height, 2 + 3 * 6);
  const auto at = [&](int y, int x) { return sheet.pixels[static_cast<std::size_t>((y * sheet.width + x) * 3)]; };
  EXPECT_EQ(at(0, 0), 255);
  EXPECT_EQ(at(2, 2), d.train.pixels[0]);
  EXPECT_EQ(at(2, 10), d.train.pixels[3 * 72]);  // the second image of class 0
  EXPECT_EQ(at(8, 2), d.train.pixels[1 * 72]);   // class 1
  EXPECT_EQ(at(9, 3), d.train.pixels[1 * 72 + (6 + 1) * 3]);
}

TEST(Inspect, CountsDuplicates) {
  DatasetParts parts;
  parts.name = "twice";
  parts.image = {1, 1, 1, 1};
  parts.class_names = {"a", "b"};
  parts.train_pixels = {1, 2, 1, 3};
  parts.train_labels = {0, 1, 0, 1};
  parts.test_pixels = {3, 4, 4};
  parts.test_labels = {0, 1, 0};
  const Duplicates found = count_duplicates(assemble(std::move(parts), "twice"));
  EXPECT_EQ(found.in_train, 1);
  EXPECT_EQ(found.in_test, 1);
  EXPECT_EQ(found.test_also_in_train, 1);
}

}  // namespace
}  // namespace fanin
