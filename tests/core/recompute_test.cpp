// Values that are given up after the forward pass and computed again: what is planned, and that nobody can tell.
// SPDX-License-Identifier: MIT
#include "core/graph/value_lives.h"

#include "core/rng.h"
#include "core/train/loss.h"
#include "models/catalog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

namespace fanin {
namespace {

constexpr Shape kImage{1, 32, 32, 3};
constexpr int kBatch = 4;

PlanOptions options(bool recompute, Mode mode = Mode::train) {
  PlanOptions o;
  o.images = kBatch;
  o.mode = mode;
  o.fuse = true;
  o.recompute = recompute;
  return o;
}

int computed_again(const Plan& plan) {
  int count = 0;
  for (const Place& place : plan.value_again) count += place.storage >= 0;
  return count;
}

// In a stage of blocks ReLU(a + b) are the widest values; they may be gone when the last stage ends, and come back a stage
// at a time.
TEST(Recompute, GivesUpTheSumsOfAResNeXt) {
  const Model model = build_model("resnext-29-2x4d:widen=1", kImage, 10);
  const Plan kept = model.network.plan(model.logits, options(false)),
             again = model.network.plan(model.logits, options(true));
  EXPECT_EQ(computed_again(kept), 0);
  EXPECT_GE(computed_again(again), 3);
  EXPECT_LT(again.arena_floats, kept.arena_floats);
  // At least the sums of the first stage, 3 of 32x32x64, are not there when the forward pass ends.
  const std::size_t first_stage = std::size_t{3} * kBatch * 32 * 32 * 64;
  EXPECT_LE(again.arena_floats, kept.arena_floats - first_stage);
}

TEST(Recompute, NothingIsComputedTwiceWithoutNeed) {
  for (const char* spec : {"wrn-16-1", "densenet-bc-16-4", "plain-6-8:norm=bn", "mlp-3-16"}) {
    const Model model = build_model(spec, kImage, 10);
    EXPECT_EQ(computed_again(model.network.plan(model.logits, options(true))), 0) << spec;
  }
  const Model model = build_model("resnext-29-2x4d:widen=1", kImage, 10);
  EXPECT_EQ(computed_again(model.network.plan(model.logits, options(true, Mode::evaluate))), 0);
  const Plan plan = model.network.plan(model.logits, options(true));
  EXPECT_LT(computed_again(plan), 9) << "the last of them is read at once";
}

// In its second life a value is there from the node that computes it to its last reader, after the first life has ended.
TEST(Recompute, LivesDoNotOverlap) {
  const Model model = build_model("resnext-29-2x4d:widen=1", kImage, 10);
  const Plan plan = model.network.plan(model.logits, options(true));
  const int nodes = static_cast<int>(plan.value.size());
  for (int id = 0; id < nodes; ++id)
    for (const int v : plan.compute_again[static_cast<std::size_t>(id)]) {
      const Storage& first = plan.storages[static_cast<std::size_t>(plan.value[static_cast<std::size_t>(v)].storage)];
      const Storage& second =
          plan.storages[static_cast<std::size_t>(plan.value_again[static_cast<std::size_t>(v)].storage)];
      EXPECT_LT(first.last_use, nodes) << "gone before the backward pass";
      EXPECT_EQ(second.first_use, 2 * nodes - 1 - id);
      EXPECT_GE(second.last_use, second.first_use);
      EXPECT_LT(v, id);
    }
}

std::vector<float> gradients(const char* spec, bool recompute, Mode mode) {
  Model model = build_model(spec, kImage, 10);
  Network& net = model.network;
  net.prepare(model.logits, options(recompute));
  for (Parameter* p : net.parameters()) {
    const Rng rng = Rng::stream(5, p->name);
    const double std = std::sqrt(2.0 / static_cast<double>(p->shape.taps() * p->shape.in_per_group));
    for (std::size_t i = 0; i < p->value.size(); ++i)
      p->value[i] = static_cast<float>(p->shape.rank > 1 ? std * rng.normal(i) : 0.5 + 0.1 * rng.normal(i));
  }
  Tensor images(kImage.with_images(kBatch));
  const Rng rng = Rng::stream(3, "images");
  std::vector<float> result;
  // The first step leaves its values where the second might read them by mistake.
  for (const std::uint64_t step : {0, 1}) {
    for (std::size_t i = 0; i < images.shape().size(); ++i)
      images.view().data[i] = static_cast<float>(rng.normal(step * images.shape().size() + i));
    const ConstView y = net.forward(images.view(), mode);
    Tensor gradient(y.shape);
    const std::vector<int> labels{3, 1, 4, 1};
    softmax_cross_entropy(y, labels, 0.0f, gradient.view());
    net.backward(std::as_const(gradient).view());
    result.insert(result.end(), net.gradients().begin(), net.gradients().end());
  }
  return result;
}

// The networks of the next test compute one value through another.
TEST(Recompute, AChainIsComputedInOnePass) {
  for (const char* spec : {"resnext-29-2x4d:widen=1", "resnet-20:width=4"}) {
    const Model model = build_model(spec, kImage, 10);
    const Plan plan = model.network.plan(model.logits, options(true));
    int through = 0;
    for (std::size_t id = 0; id < plan.value.size(); ++id) {
      through += plan.again_through[id] >= 0;
      EXPECT_LT(plan.again_through[id], static_cast<int>(id));
    }
    EXPECT_GE(through, 1) << spec;
  }
}

TEST(Recompute, TheBitsAreTheSame) {
  for (const char* spec : {"resnext-29-2x4d:widen=1", "resnext-20-2x4d", "resnet-20:width=4", "resnet-14:width=10",
                           "resnext-29-2x4d:norm=none"})
    for (const Mode mode : {Mode::train, Mode::evaluate}) {
      const std::vector<float> kept = gradients(spec, false, mode), again = gradients(spec, true, mode);
      ASSERT_EQ(kept.size(), again.size());
      std::size_t differ = 0, zero = 0;
      for (std::size_t i = 0; i < kept.size(); ++i) differ += kept[i] != again[i], zero += kept[i] == 0.0f;
      EXPECT_EQ(differ, 0U) << spec;
      EXPECT_LT(zero, kept.size() / 2) << spec;
    }
}

TEST(Recompute, IsTheDefaultAndCanBeSwitchedOff) {
  const bool before = recomputation();
  for (const bool on : {true, false}) {
    set_recomputation(on);
    EXPECT_EQ(PlanOptions{}.recompute, on);
  }
  set_recomputation(before);
}

}  // namespace
}  // namespace fanin
