// The share of a run's time in which training waited for batches is what its source took, no more and no less.
// SPDX-License-Identifier: MIT
#include "core/train/trainer.h"
#include "models/catalog.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace fanin {
namespace {

// Long beside the steps even on a machine so busy that they take a third of a second.
constexpr std::chrono::milliseconds kPause(200);

// Four batches of zeros, each after a pause, or at once.
class SlowBatches : public BatchSource {
 public:
  explicit SlowBatches(bool slow) : slow_(slow), images_({4, 8, 8, 3}) {}
  void start_epoch(int, int first_batch) override { next_ = first_batch; }
  bool next(Batch& batch) override {
    if (next_ == 4) return false;
    if (slow_) std::this_thread::sleep_for(kPause);
    ++next_;
    batch = {std::as_const(images_).view(), labels_};
    return true;
  }
  int batches_per_epoch() const override { return 4; }
  int images_per_epoch() const override { return 16; }
  int largest_batch() const override { return 4; }

 private:
  bool slow_;
  int next_ = 0;
  Tensor images_;
  std::vector<int> labels_ = {0, 1, 2, 3};
};

EpochRow train(bool slow) {
  Model model = build_model("mlp-1-8", {1, 8, 8, 3}, 10);
  model.network.prepare(model.logits, 4);
  for (float& w : model.network.values()) w = 0.1f;
  SlowBatches batches(slow);
  TrainOptions options;
  options.schedule = {.kind = "constant", .peak = 0.01, .epochs = 1};
  Trainer trainer(model.network, batches, nullptr, options);
  TrainObserver nobody;
  EXPECT_EQ(trainer.run(nobody), TrainResult::finished);
  return trainer.progress().rows.at(0);
}

TEST(Waiting, IsTheTimeThatTheSourceTook) {
  const EpochRow slow = train(true), quick = train(false);
  EXPECT_GE(slow.waited, 4 * std::chrono::duration<double>(kPause).count());
  EXPECT_LE(slow.waited, slow.seconds);
  EXPECT_GT(slow.waited_share(), 0.5);  // the steps take microseconds
  EXPECT_LT(quick.waited, slow.waited / 2);
  EXPECT_EQ(EpochRow().waited_share(), 0.0);
}

}  // namespace
}  // namespace fanin
