// Training without a data set on disk: schedules as functions, optimizers against the scalar arithmetic that they
// promise, the loop against itself under every interruption.
// SPDX-License-Identifier: MIT
#include "core/train/trainer.h"

#include "core/check.h"
#include "core/io/safetensors.h"
#include "core/rng.h"
#include "core/tensor/parallel.h"
#include "core/train/checkpoint.h"
#include "models/catalog.h"
#include "tests/support/command.h"
#include "tests/support/error_of.h"

#include <cmath>

namespace fanin {
namespace {

// --- the loop

// Batches made from a formula; image i of class i % 10 has a bright pixel row i % 10.
class MadeBatches : public BatchSource {
 public:
  MadeBatches(int images, int batch) : images_(images), batch_(batch), pixels_({batch, 16, 16, 3}) {
    labels_.resize(static_cast<std::size_t>(batch));
  }
  void start_epoch(int epoch, int first_batch) override {
    epoch_ = epoch;
    next_ = first_batch;
  }
  bool next(Batch& out) override {
    if (next_ >= batches_per_epoch()) return false;
    for (int n = 0; n < batch_; ++n) {
      const int image = (next_ * batch_ + n + epoch_) % images_;
      labels_[static_cast<std::size_t>(n)] = image % 10;
      const Rng rng = Rng::stream(1, "image" + std::to_string(image));
      const View v = pixels_.view().images(n, 1);
      for (std::size_t i = 0; i < v.shape.size(); ++i)
        v.data[i] = static_cast<float>(rng.normal(i)) + (i / 48 == static_cast<std::size_t>(image % 10) ? 3.0f : 0.0f);
    }
    if (poison_ >= 0 && next_ == poison_) pixels_.view().data[5] = std::numeric_limits<float>::infinity();
    ++next_;
    out = {std::as_const(pixels_).view(), labels_};
    return true;
  }
  int batches_per_epoch() const override { return images_ / batch_; }
  int images_per_epoch() const override { return batches_per_epoch() * batch_; }
  int largest_batch() const override { return batch_; }
  void poison(int batch) { poison_ = batch; }

 private:
  int images_, batch_, epoch_ = 1, next_ = 0, poison_ = -1;
  Tensor pixels_;
  std::vector<int> labels_;
};

struct Training {
  explicit Training(const TrainOptions& options)
      : model(build_model("wrn-10-1:dropout=0.1", {1, 16, 16, 3}, 10)), train(40, 8), test(20, 10) {
    model.network.prepare(model.logits, 10);
    for (Parameter* p : model.network.parameters()) {
      const Rng rng = Rng::stream(4, p->name);
      for (std::size_t i = 0; i < p->value.size(); ++i)
        p->value[i] = p->role == Role::norm_scale ? 1.0f : static_cast<float>(0.1 * rng.normal(i));
    }
    trainer.emplace(model.network, train, &test, options);
  }
  Model model;
  MadeBatches train, test;
  std::optional<Trainer> trainer;
};

TrainOptions options_of(int epochs) {
  TrainOptions o;
  o.epochs = epochs;
  o.schedule = {.kind = "cosine", .peak = 0.05, .epochs = epochs};
  return o;
}

struct StopAt : TrainObserver {
  explicit StopAt(std::int64_t step) : step_(step) {}
  void after_step(const StepRow& s, const TrainProgress&) override { seen_ = s.step; }
  bool should_stop() override { return seen_ == step_; }
  std::int64_t step_, seen_ = 0;
};

TEST(Trainer, LearnsAndReportsMeans) {
  Training s(options_of(6));
  TrainObserver nobody;
  EXPECT_EQ(s.trainer->run(nobody), TrainResult::finished);
  const std::vector<EpochRow>& rows = s.trainer->progress().rows;
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_LT(rows.back().train_loss, 0.5 * rows.front().train_loss);
  EXPECT_GT(rows.back().train_accuracy, 0.8);
  const Evaluation again = evaluate(s.model.network, s.test);
  EXPECT_EQ(again.loss, rows.back().test_loss);
  EXPECT_EQ(again.accuracy, rows.back().test_accuracy);
  EXPECT_GE(again.top5_accuracy, again.accuracy);
  EXPECT_EQ(again.images, 20);
}

// Stops after every step in turn, saves, loads into a fresh network, goes on: the same weights, optimizer and rows to
// the last bit.
TEST(Trainer, InterruptedAnywhereItContinuesExactly) {
  const io::Path folder = test::scratch_folder();
  Training whole(options_of(2));
  TrainObserver nobody;
  whole.trainer->run(nobody);
  for (int stop = 1; stop <= 10; ++stop) {
    Training first(options_of(2));
    StopAt stopper(stop);
    ASSERT_EQ(first.trainer->run(stopper), TrainResult::interrupted);
    save_checkpoint(folder / "c", first.model.network, first.trainer->optimizer(), first.trainer->progress(),
                    {{"note", "x"}});
    Training second(options_of(2));
    EXPECT_EQ(
        load_checkpoint(folder / "c", second.model.network, second.trainer->optimizer(), second.trainer->progress())
            .at("note"),
        "x");
    EXPECT_EQ(second.trainer->progress().step, stop);
    ASSERT_EQ(second.trainer->run(nobody), TrainResult::finished);
    EXPECT_EQ(weights_hash(second.model.network), weights_hash(whole.model.network)) << "stopped after step " << stop;
    for (std::size_t i = 0; i < 2; ++i) {
      const EpochRow &a = second.trainer->progress().rows[i], &b = whole.trainer->progress().rows[i];
      EXPECT_EQ(a.train_loss, b.train_loss);
      EXPECT_EQ(a.test_loss, b.test_loss);
      EXPECT_EQ(a.learning_rate, b.learning_rate);
      EXPECT_EQ(a.weights_hash, b.weights_hash);
    }
  }
}

TEST(Trainer, DivergenceNamesStepAndFirstNode) {
  Training s(options_of(2));
  s.train.poison(3);
  TrainObserver nobody;
  EXPECT_EQ(s.trainer->run(nobody), TrainResult::diverged);
  EXPECT_EQ(s.trainer->divergence().step, 4);
  EXPECT_EQ(s.trainer->divergence().node, "input");
  EXPECT_NE(s.trainer->divergence().detail.find("1 of 6144"), std::string::npos) << s.trainer->divergence().detail;

  Training weights(options_of(1));
  weights.model.network.find_parameter("group1.block0.conv1.weight")->value[0] =
      std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(weights.trainer->run(nobody), TrainResult::diverged);
  EXPECT_EQ(weights.trainer->divergence().node, "group1.block0.conv1");
}

TEST(Trainer, StopsAfterSoManySteps) {
  TrainOptions o = options_of(4);
  o.max_steps = 7;
  Training s(o);
  TrainObserver nobody;
  EXPECT_EQ(s.trainer->run(nobody), TrainResult::finished);
  EXPECT_EQ(s.trainer->progress().step, 7);
  EXPECT_EQ(s.trainer->progress().rows.size(), 2u) << "the epoch under way is evaluated too";
}

// With a reset at the only drop, the steps after it are those of a fresh optimizer: the same as a run whose momentum
// is 0 in that one step.
TEST(Trainer, TheOptimizerStartsAnewAtDrops) {
  TrainOptions o = options_of(2);
  o.schedule = {.kind = "multistep", .peak = 0.05, .factor = 0.1, .milestones = {1}, .epochs = 2};
  Training kept(o), again(o);
  o.reset_at_drops = true;
  Training reset(o);
  TrainObserver nobody;
  for (Training* t : {&kept, &again, &reset}) EXPECT_EQ(t->trainer->run(nobody), TrainResult::finished);
  const auto hash = [](Training& t, std::size_t epoch) { return t.trainer->progress().rows[epoch].weights_hash; };
  EXPECT_EQ(hash(kept, 1), hash(again, 1));
  EXPECT_EQ(hash(kept, 0), hash(reset, 0)) << "nothing differs before the drop";
  EXPECT_NE(hash(kept, 1), hash(reset, 1));
  EXPECT_LT(reset.trainer->optimizer().steps(), kept.trainer->optimizer().steps());
}

// --- checkpoints

TEST(Checkpoint, RefusesWhatDoesNotFitAndChangesNothing) {
  const io::Path folder = test::scratch_folder();
  Training s(options_of(1));
  save_weights(folder / "w", s.model.network, {});
  Model other = build_model("wrn-10-2", {1, 16, 16, 3}, 10);
  other.network.prepare(other.logits, 1);
  EXPECT_THROW(load_weights(folder / "w", other.network), Error);
  for (const Parameter* p : other.network.parameters())
    for (const float v : p->value) ASSERT_TRUE(std::isnan(v)) << p->name << " was changed by a load that failed";
  Optimizer optimizer(s.model.network, {});
  TrainProgress progress;
  EXPECT_THROW(load_checkpoint(folder / "w", s.model.network, optimizer, progress), Error)
      << "a weights file is no checkpoint";
}

// State dicts as PyTorch codes write them: wrapped by nn.DataParallel, with counters, with a bare convolution name.
TEST(Checkpoint, TakesStateDictsOfUpstreamCodes) {
  const io::Path folder = test::scratch_folder();
  Training s(options_of(1)), target(options_of(1));
  std::vector<std::vector<float>> copies;
  std::vector<io::TensorToWrite> tensors;
  const auto add = [&](std::string name, const WeightShape& shape, std::span<const float> values) {
    copies.emplace_back(values.size());
    to_file_order(shape, values, copies.back());
    tensors.push_back({std::move(name), io::DType::f32, shape.file_dimensions(), {}});
  };
  for (const Parameter* p : s.model.network.parameters())
    add(p->name == "conv0.weight" ? "module.conv0" : "module." + p->name, p->shape, p->value);
  for (const StateBuffer* b : s.model.network.buffers())
    add("module." + b->name, WeightShape::vector(static_cast<int>(b->value.size())), b->value);
  add("module.bn.num_batches_tracked", WeightShape::vector(1), std::vector<float>{5.0f});
  for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i].data = std::as_bytes(std::span<const float>(copies[i]));
  io::write_safetensors(folder / "state", tensors, {});
  for (Parameter* p : target.model.network.parameters()) std::fill(p->value.begin(), p->value.end(), 0.0f);
  load_weights(folder / "state", target.model.network);
  EXPECT_EQ(weights_hash(s.model.network), weights_hash(target.model.network));
}

TEST(Checkpoint, AMismatchListsEverythingAtOnce) {
  const io::Path folder = test::scratch_folder();
  Training s(options_of(1));
  save_weights(folder / "w", s.model.network, {});
  const auto error_for = [&](const char* spec) {
    Model other = build_model(spec, {1, 16, 16, 3}, 10);
    other.network.prepare(other.logits, 1);
    return test::error_of([&] { load_weights(folder / "w", other.network); });
  };
  const std::string deeper = error_for("wrn-16-1"), wider = error_for("wrn-10-2"),
                    without = error_for("wrn-10-1:norm=none");
  EXPECT_NE(deeper.find("missing: group0.block1.bn0.weight"), std::string::npos) << deeper;
  EXPECT_NE(deeper.find(" more"), std::string::npos) << deeper;
  EXPECT_NE(wider.find("misshaped: group0.block0.conv0.weight (16, 16, 3, 3) where the network has (32, 16, 3, 3)"),
            std::string::npos)
      << wider;
  EXPECT_NE(without.find("unexpected: bn.bias"), std::string::npos) << without;
}

TEST(Checkpoint, FreshParametersAreLeftAlone) {
  const io::Path folder = test::scratch_folder();
  Training s(options_of(1));
  save_weights(folder / "w", s.model.network, {});
  Model other = build_model("wrn-10-1", {1, 16, 16, 3}, 7);  // another number of classes
  other.network.prepare(other.logits, 1);
  load_weights(folder / "w", other.network, {"fc.*"});
  EXPECT_TRUE(std::isnan(other.network.find_parameter("fc.weight")->value[0]));
  EXPECT_EQ(other.network.find_parameter("conv0.weight")->value[5],
            s.model.network.find_parameter("conv0.weight")->value[5]);
}

TEST(Checkpoint, WeightsRoundTripInFileOrder) {
  const io::Path folder = test::scratch_folder();
  Training a(options_of(1)), b(options_of(1));
  a.model.network.buffers()[0]->value[3] = 0.25f;
  save_weights(folder / "w", a.model.network, {{"k", "v"}});
  for (Parameter* p : b.model.network.parameters()) std::fill(p->value.begin(), p->value.end(), 0.0f);
  EXPECT_EQ(load_weights(folder / "w", b.model.network).at("k"), "v");
  EXPECT_EQ(weights_hash(a.model.network), weights_hash(b.model.network));
  const WeightShape shape = WeightShape::conv(3, 2, 4, 1);
  std::vector<float> memory(shape.size()), file(shape.size());
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<float>(i);
  to_file_order(shape, memory, file);
  EXPECT_EQ(file[0], 0.0f);
  EXPECT_EQ(file[1], 8.0f) << "OIHW: the next kernel column is 2 * 4 floats away in HWIO";
  EXPECT_EQ(file[9], 4.0f) << "the next input channel";
  EXPECT_EQ(file[18], 1.0f) << "the next output channel";
}

}  // namespace
}  // namespace fanin
