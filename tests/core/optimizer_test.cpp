// Optimizers and schedules against the published formulas, and against torch.optim by the file that
// tests/parity/make_optim_golden.py wrote.
// SPDX-License-Identifier: MIT
#include "core/train/optimizer.h"

#include "core/check.h"
#include "core/train/schedule.h"
#include "models/catalog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>

namespace fanin {
namespace {

using Json = nlohmann::json;

Json golden() {
  std::ifstream file(FANIN_SOURCE_DIR "/tests/parity/golden/torch_optim.json");
  return Json::parse(file);
}

// --- schedules

// Rates differ by the rounding of a few double operations.
TEST(Schedule, EqualsTorchStepByStep) {
  const Json all = golden();
  const int batches = all.at("batches");
  for (const Json& g : all.at("schedules")) {
    const ScheduleOptions o{.kind = g.at("kind"),
                            .peak = 0.1,
                            .factor = g.value("factor", 0.1),
                            .step_epochs = g.value("step_epochs", 30),
                            .milestones = g.value("milestones", std::vector<double>{}),
                            .final_factor = g.value("final_factor", 0.0),
                            .onecycle_rise = g.value("rise", 0.3),
                            .epochs = all.at("epochs")};
    const std::vector<double> expected = g.at("values");
    for (std::size_t step = 0; step < expected.size(); ++step)
      EXPECT_NEAR(learning_rate(o, static_cast<std::int64_t>(step), batches), expected[step], 1e-15)
          << o.kind << " step " << step;
  }
}

TEST(Schedule, WarmUpMovesWithTheFirstStepAndMeetsThePeak) {
  const ScheduleOptions constant{.kind = "constant", .peak = 0.5, .warmup_epochs = 2, .epochs = 4};
  EXPECT_DOUBLE_EQ(learning_rate(constant, 0, 5), 0.05);
  EXPECT_DOUBLE_EQ(learning_rate(constant, 4, 5), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate(constant, 9, 5), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(constant, 15, 5), 0.5);
  const ScheduleOptions cosine{.kind = "cosine", .peak = 0.1, .warmup_epochs = 1, .epochs = 5};
  EXPECT_DOUBLE_EQ(learning_rate(cosine, 10, 10), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate(cosine, 30, 10), 0.05);
}

TEST(Schedule, DropsAreCountedAtTheirStep) {
  const ScheduleOptions o{.kind = "multistep", .milestones = {1, 3}, .epochs = 5};
  EXPECT_EQ(drops(o, 9, 10), 0);
  EXPECT_EQ(drops(o, 10, 10), 1);
  EXPECT_EQ(drops(o, 30, 10), 2);
  EXPECT_EQ(drops({.kind = "cosine", .milestones = {1}, .epochs = 5}, 30, 10), 0);
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

// A network whose gradients a test sets; its weights start at 0.7.
struct Fixture {
  explicit Fixture(const OptimizerOptions& options) : model(build_model("mlp-1-3", {1, 2, 2, 1}, 2)) {
    model.network.prepare(model.logits, 1);
    for (Parameter* p : model.network.parameters()) std::fill(p->value.begin(), p->value.end(), 0.7f);
    optimizer = std::make_unique<Optimizer>(model.network, options);
  }
  void step(double gradient, double rate = 0.05) {
    for (Parameter* p : model.network.parameters())
      std::fill(p->grad.begin(), p->grad.end(), static_cast<float>(gradient));
    optimizer->step(rate);
  }
  float weight(const char* name = "fc.weight") { return model.network.find_parameter(name)->value[0]; }
  Model model;
  std::unique_ptr<Optimizer> optimizer;
};

TEST(Optimizer, EqualsTorchStepByStep) {
  const Json all = golden();
  for (const Json& g : all.at("optimizers")) {
    // The file's norm is that of one weight; here the weights share it.
    const double clip = g.value("clip_norm", 0.0);
    Fixture f({.kind = g.at("kind"),
               .momentum = g.value("momentum", 0.9),
               .dampening = g.value("dampening", 0.0),
               .nesterov = g.value("nesterov", true),
               .weight_decay = g.at("weight_decay"),
               .clip_norm = 0.0});
    std::size_t weights = 0;
    for (const Parameter* p : f.model.network.parameters()) weights += p->value.size();
    if (clip > 0.0)
      f.optimizer = std::make_unique<Optimizer>(
          f.model.network, OptimizerOptions{.weight_decay = 0.0, .clip_norm = clip * std::sqrt(weights)});
    const std::vector<double> expected = g.at("values");
    for (std::size_t step = 0; step < expected.size(); ++step) {
      f.step(gradient_at(static_cast<int>(step)) * (clip > 0.0 ? 3.0 : 1.0));
      // As above: each step rounds about 8 times at values below 4, momentum amplifies by 10. The 1e-6 in the clip
      // factor counts once for the whole norm here and once for a single weight there.
      ASSERT_NEAR(static_cast<double>(f.weight()), expected[step],
                  8.0 * 4.0 * 10.0 * 0x1p-24 * static_cast<double>(step + 1) + (clip > 0.0 ? 1e-5 : 0.0))
          << g.at("kind") << " step " << step;
    }
  }
}

TEST(Optimizer, GroupsHaveTheirOwnRate) {
  Fixture f({.kind = "sgd", .momentum = 0.0, .nesterov = false, .weight_decay = 0.0, .lr_groups = {"bias=0.5"}});
  f.step(0.4, 0.5);
  EXPECT_FLOAT_EQ(f.weight("fc.weight"), 0.5f);
  EXPECT_FLOAT_EQ(f.weight("fc.bias"), 0.6f);
}

TEST(Optimizer, ResetForgetsEverything) {
  for (const char* kind : {"sgd", "adam"}) {
    const OptimizerOptions options{.kind = kind, .weight_decay = 0.0};
    Fixture used(options), fresh(options);
    used.step(1.0);
    used.step(-0.3);
    used.optimizer->reset();
    for (Parameter* p : used.model.network.parameters()) std::fill(p->value.begin(), p->value.end(), 0.7f);
    for (const double gradient : {0.5, 0.25}) {
      used.step(gradient);
      fresh.step(gradient);
    }
    EXPECT_EQ(used.weight(), fresh.weight()) << kind;
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
  EXPECT_THROW(check(OptimizerOptions{.lr_groups = {"scalar"}}), Error);
  EXPECT_THROW(check(OptimizerOptions{.lr_groups = {"scalars=0.1"}}), Error);
  EXPECT_THROW(check(OptimizerOptions{.clip_norm = -1.0}), Error);
  EXPECT_THROW(check(ScheduleOptions{.kind = "cosin"}), Error);
  EXPECT_THROW(check(ScheduleOptions{.warmup_epochs = 3, .epochs = 2}), Error);
  EXPECT_THROW(check(ScheduleOptions{.milestones = {3, 2}}), Error);
}

}  // namespace
}  // namespace fanin
