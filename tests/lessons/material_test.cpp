// What lessons measure on and with: small images, clusters, Gaussian inputs, signals, training.
// SPDX-License-Identifier: MIT
#include "apps/lessons/material.h"

#include "apps/lessons/exercise.h"
#include "apps/lessons/linear_modes.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/signals.h"
#include "core/check.h"
#include "core/tensor/parallel.h"
#include "data/catalog.h"
#include "tests/support/error_of.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

namespace fanin {

namespace {

struct Context {
  Page page{"", Language::en};
  LessonWatcher nobody;
  LessonContext context;
  explicit Context(const std::string& data = "synthetic")
      : context({.size = LessonSize::quick, .data = data}, page, nobody) {}
};

TEST(SmallImages, AreMeansOverSquares) {
  Context c;
  const Dataset small = small_images(c.context, 20, 10, 8);
  ASSERT_EQ(small.image, (Shape{1, 8, 8, 3}));
  EXPECT_EQ(small.train.size(), 20);
  EXPECT_EQ(small.test.size(), 10);
  const Dataset full = select(open_dataset("synthetic:train=20,test=10"), {.train_size = 20, .test_size = 10}, 1);
  // Image 3, row 2, column 5, channel 1: rows 8 to 11, columns 20 to 23.
  double sum = 0.0;
  for (int y = 8; y < 12; ++y)
    for (int x = 20; x < 24; ++x) sum += full.train.pixels[static_cast<std::size_t>(((3 * 32 + y) * 32 + x) * 3 + 1)];
  EXPECT_NEAR(small.train.pixels[static_cast<std::size_t>(((3 * 8 + 2) * 8 + 5) * 3 + 1)], sum / 16.0, 0.5);
  EXPECT_EQ(small.train.labels[3], full.train.labels[3]);
}

TEST(SmallImages, SidesMustDivide) {
  Context c;
  const std::string error = test::error_of([&] { small_images(c.context, 20, 10, 5); });
  EXPECT_NE(error.find("32x32 cannot be averaged down to 5x5"), std::string::npos) << error;
}

TEST(Clusters, HaveTheirNoise) {
  const Dataset data = clusters(200, 10, 8, 0.6, 1);
  // Of two images of one class: E (difference in deviations)^2 = 2 * 0.6^2, over 64 * 190 numbers; rounding to bytes adds
  // 2 / 12 / 32^2, and a relative error of sqrt(2 / 12160) = 1.3 % is one deviation.
  double squares = 0.0;
  int count = 0;
  for (int n = 10; n < 200; ++n)
    for (int i = 0; i < 64; ++i, ++count) {
      const double d = (data.train.pixels[static_cast<std::size_t>(n * 64 + i)] -
                        static_cast<double>(data.train.pixels[static_cast<std::size_t>((n - 10) * 64 + i)])) /
                       32.0;
      squares += d * d;
    }
  EXPECT_EQ(data.train.labels[15], 5);
  EXPECT_NEAR(squares / count, 2 * 0.36, 0.06 * 2 * 0.36);
}

TEST(GaussianPair, HasItsLengthAndCorrelation) {
  const KeptBatch pair = gaussian_pair(500, 10, 2.5, 0.3, 7);
  double aa = 0.0, bb = 0.0, ab = 0.0;
  for (int i = 0; i < 500; ++i) {
    const double a = pair.images.view().pixel(0)[i], b = pair.images.view().pixel(1)[i];
    aa += a * a / 500;
    bb += b * b / 500;
    ab += a * b / 500;
  }
  EXPECT_NEAR(aa, 2.5, 1e-5);
  EXPECT_NEAR(bb, 2.5, 1e-5);
  EXPECT_NEAR(ab / 2.5, 0.3, 1e-5);
}

TEST(LayerSignals, AreThoseOfBirthForAnyNumberOfThreads) {
  const KeptBatch batch = gaussian_batch(8, 20, 10, 1);
  const std::unique_ptr<Session> session = session_on("mlp-3-20", "kaiming_normal", batch, 10);
  session->config.seed = 4;
  const Birth b = birth(*session, 2, batch);
  for (const int threads : {1, 2}) {
    set_thread_count(threads);
    const std::vector<LayerSignal> signals = layer_signals("mlp-3-20", "kaiming_normal", batch, 10, 2, 4);
    ASSERT_EQ(signals.size(), 3u);
    for (const NodeBirth& node : b.nodes) {
      if (node.node == "fc1") {
        EXPECT_EQ(signals[1].square.values, node.square.values);
        EXPECT_EQ(signals[1].correlation.values, node.correlation.values);
        EXPECT_EQ(signals[1].gradient_square.values, node.gradient_square.values);
      }
      if (node.node == "act1") {
        EXPECT_EQ(signals[1].dead.values, node.dead.values);
      }
    }
  }
}

TEST(Exercise, StopsBelowItsTargetAndIsTheSameInParallel) {
  const Dataset data = clusters(200, 20, 4, 0.3, 1);
  const Exercise e{.model = "mlp-1-16",
                   .scheme = "kaiming_normal",
                   .rate = 0.1,
                   .batch = 20,
                   .steps = 400,
                   .stop_below = 0.5,
                   .window = 5,
                   .test = true};
  const Exercised alone = exercise(data, e);
  ASSERT_LT(alone.loss.size(), 400u) << "easy clusters are learned";
  EXPECT_EQ(alone.steps_to(0.5, 5), static_cast<int>(alone.loss.size()));
  EXPECT_GT(alone.test_accuracy, 0.5);
  set_thread_count(2);
  std::vector<Exercised> runs(3);
  std::atomic<int> done{0};
  in_parallel(
      3, [&](int i) { runs[static_cast<std::size_t>(i)] = exercise(data, e); }, [&](int) { ++done; });
  EXPECT_EQ(done, 3);
  for (const Exercised& run : runs) EXPECT_EQ(run.loss, alone.loss);
}

TEST(Exercise, ADivergedRunHasNoLoss) {
  const Dataset data = clusters(100, 20, 4, 0.3, 1);
  const Exercised run = exercise(
      data, {.model = "mlp-5-16:act=identity", .scheme = "kaiming_normal", .rate = 1e6, .batch = 20, .steps = 50});
  EXPECT_TRUE(run.diverged);
  EXPECT_TRUE(std::isinf(run.last_loss()));
  EXPECT_EQ(run.last_accuracy(), 0.0);
}

TEST(InParallel, RethrowsTheFirstFailure) {
  EXPECT_EQ(test::error_of([] {
              in_parallel(4, [](int i) {
                if (i >= 2) fail(ErrorKind::usage, "work {}", i);
              });
            }),
            "work 2");
}

// Gradient descent is Euler's method for the flow that the formula solves: its error falls with the rate.
TEST(LinearModes, ErrorIsThatOfEuler) {
  const double coarse = learn_modes({2.0, 1.0}, 0.01, 4e-3, 1000, 1).largest_error,
               fine = learn_modes({2.0, 1.0}, 0.01, 1e-3, 4000, 1).largest_error;
  EXPECT_LT(coarse, 0.02);
  EXPECT_NEAR(coarse / fine, 4.0, 0.4);
}

TEST(Numbers, SlopesAndSmoothing) {
  EXPECT_NEAR(slope_of({1, 2, 4}, {3, 5, 9}), 2.0, 1e-12);
  EXPECT_TRUE(std::isnan(slope_of({1}, {1})));
  const PlotSeries smooth = smooth_series("s", {1, 3, 5, 7, 100}, 2);
  EXPECT_EQ(smooth.y, (std::vector<double>{2, 6}));
  EXPECT_EQ(smooth.x, (std::vector<double>{1.5, 3.5}));
}

}  // namespace

}  // namespace fanin
