// The graph and its memory plan: sharing memory changes no bit, nothing is allocated in a step, errors name their
// place.
// SPDX-License-Identifier: MIT
#include "core/graph/network.h"

#include "core/check.h"
#include "core/rng.h"
#include "core/tensor/parallel.h"
#include "core/train/optimizer.h"
#include "models/catalog.h"
#include "tests/support/error_of.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <functional>

#if !defined(__SANITIZE_ADDRESS__)
// Counts every allocation of the process, whoever asks: operator new and Eigen end here too.
namespace {
std::atomic<long> allocations{0};
}
extern "C" void* __libc_malloc(std::size_t);
extern "C" void* __libc_memalign(std::size_t, std::size_t);
extern "C" void* malloc(std::size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
extern "C" int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
  ++allocations;
  *result = __libc_memalign(alignment, size);
  return *result == nullptr ? 12 : 0;
}
#endif

namespace fanin {
namespace {

using test::error_of;

const char* const kModels[] = {"wrn-10-1",
                               "wrn-10-2:norm=none",
                               "wrn-10-1:dropout=0.3",
                               "resnext-11-2x4d:widen=1",
                               "densenet-13-4",
                               "densenet-bc-16-4",
                               "densenet-bc-16-4:norm=none,act=tanh",
                               "plain-6-8",
                               "plain-6-8:norm=bn,act=gelu",
                               "mlp-3-16",
                               "convmixer-2-12"};

const Shape kImage{1, 16, 16, 3};

void fill_small(Network& net) {
  for (Parameter* p : net.parameters()) {
    const Rng rng = Rng::stream(5, p->name);
    const bool scale = p->role == Role::norm_scale || p->role == Role::scalar_multiplier;
    for (std::size_t i = 0; i < p->value.size(); ++i)
      p->value[i] = static_cast<float>(0.2 * rng.normal(i)) + (scale ? 1.0f : 0.0f);
  }
}

Tensor random_tensor(Shape shape, const char* name) {
  Tensor t(shape);
  const Rng rng = Rng::stream(3, name);
  for (std::size_t i = 0; i < shape.size(); ++i) t.view().data[i] = static_cast<float>(rng.normal(i));
  return t;
}

struct Outcome {
  std::uint64_t logits, gradients;
  std::size_t activation_bytes;
};

Outcome run(const char* spec, bool share, int batch, int largest_batch) {
  Model model = build_model(spec, kImage, 10);
  Network& net = model.network;
  PlanOptions options;
  options.images = largest_batch;
  options.share = share;
  net.prepare(model.logits, options);
  fill_small(net);
  const Tensor images = random_tensor(kImage.with_images(batch), "images");
  const Tensor gradient = random_tensor({batch, 1, 1, 10}, "gradient");
  Outcome outcome{};
  for (std::uint64_t step = 0; step < 2; ++step) {  // twice: nothing may leak from one step into the next
    net.set_random_state(1, 0);
    const ConstView logits = net.forward(images.view(), Mode::train);
    EXPECT_EQ(logits.shape, (Shape{batch, 1, 1, 10}));
    std::uint64_t hash = 0;
    for (std::size_t p = 0; p < logits.shape.pixels(); ++p)
      hash = hash_bytes(logits.pixel(p), 10 * sizeof(float), hash);
    net.backward(gradient.view());
    const std::uint64_t gradients = hash_bytes(net.gradients().data(), net.gradients().size_bytes());
    if (step == 1) {
      EXPECT_EQ(hash, outcome.logits) << spec << ": second step";
      EXPECT_EQ(gradients, outcome.gradients) << spec << ": second step";
    }
    outcome.logits = hash;
    outcome.gradients = gradients;
  }
  outcome.activation_bytes = net.estimate(model.logits, largest_batch, Mode::train).activations;
  return outcome;
}

TEST(Network, SharingMemoryChangesNoBit) {
  for (const char* spec : kModels)
    for (const int batch : {1, 3}) {
      const Outcome shared = run(spec, true, batch, 3), own = run(spec, false, batch, 3);
      EXPECT_EQ(shared.logits, own.logits) << spec << " batch " << batch;
      EXPECT_EQ(shared.gradients, own.gradients) << spec << " batch " << batch;
    }
}

TEST(Network, SameBitsOnAnyNumberOfThreads) {
  const int before = thread_count();
  for (const char* spec : kModels) {
    set_thread_count(1);
    const Outcome one = run(spec, true, 5, 5);
    for (const int threads : {2, 3, 4, 7}) {
      set_thread_count(threads);
      const Outcome many = run(spec, true, 5, 5);
      EXPECT_EQ(one.logits, many.logits) << spec << " on " << threads << " threads";
      EXPECT_EQ(one.gradients, many.gradients) << spec << " on " << threads << " threads";
    }
  }
  set_thread_count(before);
}

TEST(Network, ATrainingStepAllocatesNothing) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the address sanitizer owns malloc";
#else
  for (const char* spec : kModels)
    for (const auto& [optimizer_kind, keep] : {std::pair{"sgd", true}, {"adam", true}, {"sgd", false}}) {
      Model model = build_model(spec, kImage, 10);
      model.network.prepare(model.logits, {.images = 4, .keep_gradients = keep});
      fill_small(model.network);
      Optimizer optimizer(model.network, {.kind = optimizer_kind, .no_decay = {}});
      const Tensor images = random_tensor(kImage.with_images(4), "images"),
                   gradient = random_tensor({4, 1, 1, 10}, "gradient");
      parallel_for(64, [](int) {});  // OpenMP makes its threads at the first region
      const long before = allocations.load();
      model.network.forward(images.view(), Mode::train);
      optimizer.backward_and_step(gradient.view(), 0.1);
      EXPECT_EQ(allocations.load() - before, 0) << spec << " with " << optimizer_kind;
    }
#endif
}

TEST(Network, PlanSharesMemory) {
  for (const char* spec : kModels) {
    Model model = build_model(spec, kImage, 10);
    std::size_t separate = 0;  // a value and a gradient for every node
    for (const NodeSummary& row : model.network.summary())
      if (row.name != "input") separate += 2 * row.output.with_images(4).size() * sizeof(float);
    const std::size_t planned = model.network.estimate(model.logits, 4, Mode::train).activations;
    EXPECT_LT(planned, separate) << spec;
    EXPECT_LT(model.network.estimate(model.logits, 4, Mode::evaluate).activations, planned) << spec;
  }
}

TEST(Network, ADenseBlockIsOneMatrix) {
  // Six layers of growth 12 on 24 channels: with copies the concatenated inputs alone would take 24 + 36 + ... + 96
  // channels.
  Model model = build_model("densenet-22-12", {1, 32, 32, 3}, 10);
  const std::size_t planned = model.network.estimate(model.logits, 1, Mode::evaluate).activations / sizeof(float);
  EXPECT_LT(planned, std::size_t{32 * 32} * (96 + 96 + 96));
}

// Scratch of more than a cache is memory like any other, for the time of one pass of one layer.
TEST(Network, LargeScratchIsPlannedToo) {
  const Model model = build_model("wrn-10-4", {1, 32, 32, 3}, 10);
  const PlanOptions options{.images = 8};
  const Plan plan = model.network.plan(model.logits, options);
  const int nodes = static_cast<int>(plan.value.size());
  int planned = 0;
  for (int id = 0; id < nodes; ++id) {
    const auto check = [&](int storage, int time) {
      if (storage < 0) return;
      const Storage& s = plan.storages[static_cast<std::size_t>(storage)];
      EXPECT_EQ(s.first_use, time);
      EXPECT_EQ(s.last_use, time);
      EXPECT_GT(s.floats, plan.scratch_floats) << "the shared one is the smaller";
      ++planned;
    };
    check(plan.scratch_forward[static_cast<std::size_t>(id)], id);
    check(plan.scratch_backward[static_cast<std::size_t>(id)], 2 * nodes - 1 - id);
  }
  EXPECT_GT(planned, 0);
  const MemoryEstimate memory = model.network.estimate(model.logits, 8, Mode::train);
  EXPECT_EQ(memory.activations + memory.scratch, (plan.arena_floats + plan.scratch_floats) * sizeof(float));
  EXPECT_LE(memory.activations, plan.arena_floats * sizeof(float));
}

TEST(Network, WeightsAreNanUntilFilled) {
  Model model = build_model("wrn-10-1", kImage, 10);
  model.network.prepare(model.logits, 2);
  for (const Parameter* p : model.network.parameters())
    for (const float v : p->value) ASSERT_TRUE(std::isnan(v)) << p->name;
}

TEST(Network, ErrorsNameThePlaceAndBothValues) {
  Model model = build_model("wrn-10-1", kImage, 10);
  Network& net = model.network;
  const Tensor wrong = random_tensor({2, 8, 8, 3}, "images"), right = random_tensor(kImage.with_images(2), "images");
  EXPECT_NE(error_of([&] { net.forward(right.view(), Mode::train); }).find("prepare()"), std::string::npos);
  net.prepare(model.logits, 2);
  fill_small(net);
  const std::string shape_error = error_of([&] { net.forward(wrong.view(), Mode::train); });
  EXPECT_NE(shape_error.find("2x8x8x3"), std::string::npos) << shape_error;
  EXPECT_NE(shape_error.find("16x16x3"), std::string::npos) << shape_error;
  const Tensor gradient = random_tensor({2, 1, 1, 10}, "gradient");
  EXPECT_NE(error_of([&] { net.backward(gradient.view()); }).find("forward"), std::string::npos);
  net.forward(right.view(), Mode::evaluate);  // a plan for training keeps what backward reads in either mode
  EXPECT_EQ(error_of([&] { net.backward(gradient.view()); }), "no error");
  EXPECT_NE(error_of([&] { net.backward(gradient.view()); }).find("once"), std::string::npos);
  net.prepare(model.logits, 2, Mode::evaluate);
  fill_small(net);
  net.forward(right.view(), Mode::evaluate);
  EXPECT_NE(error_of([&] { net.backward(gradient.view()); }).find("Mode::train"), std::string::npos);

  Network two({0, 8, 8, 4});
  const Network::Scope scope = two.scope("block");
  const std::string join_error = error_of([&] { two.sum("join", two.input(), Node()); });
  EXPECT_NE(join_error.find("block.join"), std::string::npos) << join_error;
}

struct Recorder : Observer {
  std::vector<std::string> values, gradients;
  void value(std::string_view node, ConstView v) override {
    values.emplace_back(node);
    EXPECT_TRUE(std::isfinite(v.data[0])) << node;
  }
  void gradient(std::string_view node, ConstView v) override {
    gradients.emplace_back(node);
    EXPECT_TRUE(std::isfinite(v.data[0])) << node;
  }
};

TEST(Network, AnObserverSeesEveryNodeOnce) {
  for (const char* spec : kModels) {
    Model model = build_model(spec, kImage, 10);
    model.network.prepare(model.logits, 2);
    fill_small(model.network);
    Recorder recorder;
    model.network.observe(&recorder);
    const Tensor images = random_tensor(kImage.with_images(2), "images"),
                 gradient = random_tensor({2, 1, 1, 10}, "gradient");
    model.network.forward(images.view(), Mode::train);
    model.network.backward(gradient.view());
    const std::size_t nodes = model.network.summary().size();
    EXPECT_EQ(recorder.values.size(), nodes) << spec;
    EXPECT_EQ(recorder.gradients.size(), nodes - 1) << spec;
    EXPECT_TRUE(std::equal(recorder.gradients.begin(), recorder.gradients.end(), recorder.values.rbegin())) << spec;
  }
}

}  // namespace
}  // namespace fanin
