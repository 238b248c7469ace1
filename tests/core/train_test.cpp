// Training without a data set on disk: schedules as functions, optimizers against the scalar arithmetic that they
// promise, the loop against itself under every interruption.
// SPDX-License-Identifier: MIT
#include "core/train/trainer.h"

#include "core/check.h"
#include "core/rng.h"
#include "core/tensor/parallel.h"
#include "core/train/checkpoint.h"
#include "models/catalog.h"
#include "tests/support/command.h"

#include <cmath>

namespace fanin {
namespace {

// --- schedules

TEST(Schedule, KindsByHand) {
  const auto at = [](ScheduleOptions o, double epoch) { return learning_rate(o, epoch); };
  const ScheduleOptions constant{.kind = "constant", .peak = 0.5, .epochs = 4};
  EXPECT_EQ(at(constant, 3.9), 0.5);
  const ScheduleOptions warm{.kind = "constant", .peak = 0.5, .warmup_epochs = 2, .epochs = 4};
  EXPECT_EQ(at(warm, 0.0), 0.0);
  EXPECT_EQ(at(warm, 1.0), 0.25);
  EXPECT_EQ(at(warm, 2.0), 0.5);
  const ScheduleOptions step{.kind = "step", .peak = 1.0, .factor = 0.1, .step_epochs = 2, .epochs = 9};
  EXPECT_EQ(at(step, 1.99), 1.0);
  EXPECT_DOUBLE_EQ(at(step, 2.0), 0.1);
  EXPECT_DOUBLE_EQ(at(step, 4.5), 0.01);
  const ScheduleOptions multi{.kind = "multistep", .peak = 1.0, .factor = 0.2, .milestones = {60, 120}, .epochs = 200};
  EXPECT_EQ(at(multi, 59.9), 1.0);
  EXPECT_DOUBLE_EQ(at(multi, 60.0), 0.2);
  EXPECT_DOUBLE_EQ(at(multi, 130.0), 0.04);
  const ScheduleOptions cosine{
      .kind = "cosine", .peak = 0.1, .warmup_epochs = 1, .epochs = 5};  // the recipe of the reference runs
  EXPECT_DOUBLE_EQ(at(cosine, 0.5), 0.05);
  EXPECT_DOUBLE_EQ(at(cosine, 1.0), 0.1);
  EXPECT_DOUBLE_EQ(at(cosine, 3.0), 0.05);
  EXPECT_NEAR(at(cosine, 5.0), 0.0, 1e-17);
  const ScheduleOptions cycle{.kind = "onecycle", .peak = 1.0, .onecycle_rise = 0.25, .epochs = 4};
  EXPECT_NEAR(at(cycle, 0.0), 0.04, 1e-15);
  EXPECT_DOUBLE_EQ(at(cycle, 1.0), 1.0);
  EXPECT_DOUBLE_EQ(at(cycle, 2.5), 0.5);
  EXPECT_NEAR(at(cycle, 4.0), 0.0, 1e-17);
}

// --- optimizers: one number through the published formulas in double

struct Scalar {
  double w = 0.7, m = 0, v = 0;
};

double gradient_at(int step) { return std::sin(step + 1.0); }

void reference_step(Scalar& s, const OptimizerOptions& o, int step, double rate) {
  double g = gradient_at(step);
  if (o.kind == "sgd") {
    g += o.weight_decay * s.w;
    s.m = step == 0 ? g : o.momentum * s.m + (1.0 - o.dampening) * g;
    s.w -= rate * (o.nesterov ? g + o.momentum * s.m : s.m);
    return;
  }
  if (o.kind == "adamw")
    s.w -= rate * o.weight_decay * s.w;
  else
    g += o.weight_decay * s.w;
  s.m = o.beta1 * s.m + (1.0 - o.beta1) * g;
  s.v = o.beta2 * s.v + (1.0 - o.beta2) * g * g;
  const double m = s.m / (1.0 - std::pow(o.beta1, step + 1)), v = s.v / (1.0 - std::pow(o.beta2, step + 1));
  s.w -= rate * m / (std::sqrt(v) + o.epsilon);
}

TEST(Optimizer, FollowsThePublishedFormulas) {
  std::vector<OptimizerOptions> cases;
  for (const bool nesterov : {true, false})
    cases.push_back({.kind = "sgd", .momentum = 0.9, .nesterov = nesterov, .weight_decay = 0.01});
  cases.push_back({.kind = "sgd", .momentum = 0.8, .dampening = 0.5, .nesterov = false, .weight_decay = 0.0});
  cases.push_back({.kind = "adam", .weight_decay = 0.01});
  cases.push_back({.kind = "adamw", .weight_decay = 0.01});
  for (const OptimizerOptions& options : cases) {
    Model model = build_model("mlp-1-3", {1, 2, 2, 1}, 2);
    model.network.prepare(model.logits, 1);
    for (Parameter* p : model.network.parameters()) std::fill(p->value.begin(), p->value.end(), 0.7f);
    Optimizer optimizer(model.network, options);
    Scalar expected;
    for (int step = 0; step < 20; ++step) {
      for (Parameter* p : model.network.parameters())
        std::fill(p->grad.begin(), p->grad.end(), static_cast<float>(gradient_at(step)));
      optimizer.step(0.05);
      reference_step(expected, options, step, 0.05);
      // Each step rounds about 8 times at values below 4; 20 steps of momentum 0.9 may amplify by 10.
      for (const Parameter* p : model.network.parameters())
        for (const float w : p->value)
          ASSERT_NEAR(static_cast<double>(w), expected.w, 8.0 * 4.0 * 10.0 * 0x1p-24 * (step + 1))
              << options.kind << " step " << step;
    }
  }
}

TEST(Optimizer, GroupsWithoutDecay) {
  Model model = build_model("wrn-10-1", {1, 16, 16, 3}, 10);
  model.network.prepare(model.logits, 1);
  for (Parameter* p : model.network.parameters()) std::fill(p->value.begin(), p->value.end(), 1.0f);
  Optimizer optimizer(
      model.network,
      {.kind = "sgd", .momentum = 0.0, .nesterov = false, .weight_decay = 0.5, .no_decay = {"norm", "bias"}});
  optimizer.step(1.0);  // gradients are zero: only decay acts
  for (const Parameter* p : model.network.parameters()) {
    const bool decays = p->role == Role::conv_weight || p->role == Role::linear_weight;
    EXPECT_EQ(p->value[0], decays ? 0.5f : 1.0f) << p->name;
  }
}

TEST(Optimizer, Refusals) {
  EXPECT_THROW(check(OptimizerOptions{.kind = "rmsprop"}), Error);
  EXPECT_THROW(check(OptimizerOptions{.momentum = 0.0, .nesterov = true}), Error);
  EXPECT_THROW(check(OptimizerOptions{.no_decay = {"weights"}}), Error);
  EXPECT_THROW(check(ScheduleOptions{.kind = "cosin"}), Error);
  EXPECT_THROW(check(ScheduleOptions{.warmup_epochs = 3, .epochs = 2}), Error);
  EXPECT_THROW(check(ScheduleOptions{.milestones = {3, 2}}), Error);
}

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
