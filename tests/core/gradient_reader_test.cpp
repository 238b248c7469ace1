// Gradients that are not kept but read and used as the backward pass completes them: the same bits as those that are, in
// less memory, and nobody asks for what is not there.
// SPDX-License-Identifier: MIT
#include "core/check.h"
#include "core/rng.h"
#include "core/tensor/parallel.h"
#include "core/train/loss.h"
#include "core/train/optimizer.h"
#include "core/train/trainer.h"
#include "models/catalog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace fanin {
namespace {

constexpr Shape kImage{1, 32, 32, 3};
constexpr int kBatch = 3;
const std::vector<int> kLabels{3, 1, 4};

// Weights with biases, norms and scalars; sums, concats, dropout; values computed again.
const char* const kNets[] = {"wrn-10-1:dropout=0.3",         "densenet-bc-16-4",
                             "resnext-29-2x4d:widen=1",      "resnet-8:norm=none,residual=fixup",
                             "plain-4-8:norm=none,act=tanh", "mlp-2-16"};

PlanOptions options(bool keep, bool fuse = true, bool share = true) {
  return {.images = kBatch, .share = share, .fuse = fuse, .keep_gradients = keep};
}

void fill(Network& net) {
  for (Parameter* p : net.parameters()) {
    const Rng rng = Rng::stream(5, p->name);
    const double std = std::sqrt(1.0 / static_cast<double>(p->shape.taps() * p->shape.in_per_group));
    for (std::size_t i = 0; i < p->value.size(); ++i)
      p->value[i] = static_cast<float>(p->shape.rank > 1 ? std * rng.normal(i) : 0.5 + 0.1 * rng.normal(i));
  }
}

// Makes a step on images of its own.
void train(Network& net, Optimizer& optimizer, std::uint64_t step) {
  Tensor images(kImage.with_images(kBatch));
  const Rng rng = Rng::stream(step, "images");
  for (std::size_t i = 0; i < images.shape().size(); ++i) images.view().data[i] = static_cast<float>(rng.normal(i));
  net.set_random_state(1, step);
  const ConstView y = net.forward(std::as_const(images).view(), Mode::train);
  Tensor gradient(y.shape);
  softmax_cross_entropy(y, kLabels, 0.0f, gradient.view());
  optimizer.backward_and_step(std::as_const(gradient).view(), 0.01);
}

std::uint64_t hash_after_steps(const char* spec, const PlanOptions& how, const OptimizerOptions& o) {
  Model model = build_model(spec, kImage, 10);
  model.network.prepare(model.logits, how);
  fill(model.network);
  Optimizer optimizer(model.network, o);
  for (const std::uint64_t step : {0, 1, 2}) train(model.network, optimizer, step);
  for (const float v : model.network.values()) EXPECT_TRUE(std::isfinite(v)) << spec;
  std::uint64_t hash = weights_hash(model.network);
  for (const Optimizer::State& s : optimizer.state()) hash = hash_bytes(s.value.data(), s.value.size_bytes(), hash);
  return hash;
}

TEST(GradientReader, StepsHaveTheBitsOfKeptGradients) {
  const int before = thread_count();
  for (const char* spec : kNets)
    for (const bool fuse : {true, false}) {
      const std::uint64_t expected = hash_after_steps(spec, options(true, fuse), {});
      for (const int threads : {1, 2, 7}) {
        set_thread_count(threads);
        EXPECT_EQ(hash_after_steps(spec, options(false, fuse), {}), expected) << spec << ", " << threads << " threads";
      }
      set_thread_count(before);
      EXPECT_EQ(hash_after_steps(spec, options(false, fuse, false), {}), expected) << spec << ", nothing shared";
    }
}

TEST(GradientReader, EveryOptimizerStepsByThem) {
  const OptimizerOptions all[] = {
      {.kind = "sgd", .dampening = 0.5, .nesterov = false, .no_decay = {"bias", "norm"}, .lr_groups = {"norm=0.5"}},
      {.kind = "adam"},
      {.kind = "adamw", .weight_decay = 0.1}};
  for (const OptimizerOptions& o : all)
    EXPECT_EQ(hash_after_steps("wrn-10-1", options(false), o), hash_after_steps("wrn-10-1", options(true), o))
        << o.kind;
}

// Each parameter once, those of later layers first, with the gradient that is kept otherwise.
TEST(GradientReader, HearsOfEveryParameterOnce) {
  struct Reader : GradientReader {
    explicit Reader(const Network& n) : parameters(n.parameters()), norms(parameters.size(), -1.0) {}
    static double norm(const Parameter& p) {
      double sum = 0.0;
      for (const float g : p.grad) sum += static_cast<double>(g) * static_cast<double>(g);
      return sum;
    }
    void complete(std::size_t index) override {
      EXPECT_LT(norms.at(index), 0.0) << "twice: " << parameters[index]->name;
      norms[index] = norm(*parameters[index]);
      order.push_back(index);
    }
    const std::vector<Parameter*> parameters;
    std::vector<double> norms;
    std::vector<std::size_t> order;
  };
  std::vector<std::vector<double>> all;
  for (const bool keep : {true, false}) {
    Model model = build_model("resnext-29-2x4d:widen=1", kImage, 10);
    Network& net = model.network;
    net.prepare(model.logits, options(keep));
    EXPECT_EQ(net.keeps_gradients(), keep);
    EXPECT_EQ(net.gradients().empty(), !keep);
    fill(net);
    const Tensor images(kImage.with_images(kBatch));
    Tensor gradient({kBatch, 1, 1, 10});
    softmax_cross_entropy(net.forward(images.view(), Mode::train), kLabels, 0.0f, gradient.view());
    Reader reader(net);
    net.backward(std::as_const(gradient).view(), &reader);
    ASSERT_EQ(reader.order.size(), net.parameters().size());
    EXPECT_EQ(net.parameters()[reader.order.front()]->name, "classifier.weight");
    EXPECT_EQ(net.parameters()[reader.order.back()]->name, "conv_1_3x3.weight");
    all.push_back(reader.norms);
  }
  EXPECT_EQ(all[0], all[1]);
}

// Besides the gradients of one layer: they lie in its scratch, which is in the arena or in the buffer that small scratches
// share, and both may grow by the largest of them.
TEST(GradientReader, SavesMostOfTheGradients) {
  const Model model = build_model("wrn-16-4", kImage, 10);
  const MemoryEstimate kept = model.network.estimate(model.logits, options(true)),
                       read = model.network.estimate(model.logits, options(false));
  EXPECT_EQ(read.gradients, 0u);
  std::size_t largest = 0;
  for (const Parameter* p : model.network.parameters()) largest = std::max(largest, p->shape.size() * sizeof(float));
  EXPECT_LE(read.total() + kept.gradients, kept.total() + 2 * largest);
}

ErrorKind kind_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::input;
}

TEST(GradientReader, WhoNeedsThemAllIsToldSo) {
  Model model = build_model("mlp-1-8", kImage, 10);
  Network& net = model.network;
  net.prepare(model.logits, options(false));
  fill(net);
  EXPECT_EQ(kind_of([&] { Optimizer(net, {.clip_norm = 1.0}); }), ErrorKind::usage);
  Optimizer optimizer(net, {});
  EXPECT_EQ(kind_of([&] { optimizer.step(0.1); }), ErrorKind::usage);
  const Tensor images(kImage.with_images(kBatch)), gradient({kBatch, 1, 1, 10});
  net.forward(images.view(), Mode::train);
  EXPECT_EQ(kind_of([&] { net.backward(gradient.view()); }), ErrorKind::usage);
  optimizer.backward_and_step(gradient.view(), 0.1);  // the refused call has spoilt nothing
}

}  // namespace
}  // namespace fanin
