// Whole training with every rung of the convolution ladder forced, with fusion and without, ends in the same bits on any
// number of threads.
// SPDX-License-Identifier: MIT
#include "core/graph/fuse.h"
#include "core/kernels/conv_candidate.h"
#include "core/rng.h"
#include "core/tensor/parallel.h"
#include "core/train/loss.h"
#include "core/train/optimizer.h"
#include "models/catalog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

namespace fanin {
namespace {

constexpr Shape kImage{1, 12, 12, 3};
constexpr int kBatch = 9;  // more than the chunks of a weight gradient, and no multiple of any number of threads

void fill(Network& net) {
  for (Parameter* p : net.parameters()) {
    const Rng rng = Rng::stream(5, p->name);
    const double fan_in = static_cast<double>(p->shape.taps() * p->shape.in_per_group);
    for (std::size_t i = 0; i < p->value.size(); ++i)
      p->value[i] = static_cast<float>(p->shape.rank > 1 ? std::sqrt(2.0 / fan_in) * rng.normal(i)
                                                         : 0.1 * rng.normal(i) + (p->role == Role::norm_scale));
  }
}

// A hash of all weights and running statistics after three steps, the last of a smaller batch.
std::uint64_t train(const char* model_name, bool fuse) {
  Model model = build_model(model_name, kImage, 10);
  Network& net = model.network;
  PlanOptions options;
  options.images = kBatch;
  options.fuse = fuse;
  net.prepare(model.logits, options);
  fill(net);
  Optimizer optimizer(net, {.kind = "sgd", .no_decay = {}});
  Tensor images(kImage.with_images(kBatch));
  const Rng rng = Rng::stream(3, "images");
  for (std::size_t i = 0; i < images.shape().size(); ++i) images.view().data[i] = static_cast<float>(rng.normal(i));
  const std::vector<int> labels{3, 1, 4, 1, 5, 9, 2, 6, 5};
  for (const int batch : {kBatch, kBatch, kBatch - 2}) {
    const ConstView y = net.forward(std::as_const(images).view().images(0, batch), Mode::train);
    Tensor gradient(y.shape);
    softmax_cross_entropy(y, std::span<const int>(labels).first(static_cast<std::size_t>(batch)), 0.0f,
                          gradient.view());
    net.backward(std::as_const(gradient).view());
    optimizer.step(0.01);
  }
  for (const float w : net.values()) EXPECT_TRUE(std::isfinite(w)) << model_name;
  std::uint64_t hash = hash_bytes(net.values().data(), net.values().size_bytes());
  for (const StateBuffer* b : net.buffers()) hash = hash_bytes(b->value.data(), b->value.size() * sizeof(float), hash);
  return hash;
}

struct Ladder {
  std::string rung;  // "": the first that fits
  ConvPrecision precision;
};

std::vector<Ladder> ladders() {
  std::vector<Ladder> result{{"", ConvPrecision::exact}, {"", ConvPrecision::fast}};
  if (has_matrix_unit())
    for (const ConvPrecision p : {ConvPrecision::bf16x6, ConvPrecision::bf16x3}) result.push_back({"", p});
  for (const ConvCandidate* c : conv_candidates()) result.push_back({c->name, ConvPrecision::exact});
  return result;
}

class RungThreads : public ::testing::TestWithParam<const char*> {
 protected:
  void TearDown() override {
    set_thread_count(threads_);
    set_conv_precision(precision_);
    force_conv(forced_);
  }
  const int threads_ = thread_count();
  const ConvPrecision precision_ = conv_precision();
  const std::string forced_{forced_conv()};
};

TEST_P(RungThreads, TrainingEndsInTheSameBits) {
  std::map<bool, std::set<std::uint64_t>> outcomes;
  for (const Ladder& ladder : ladders())
    for (const bool fuse : {true, false}) {
      force_conv(ladder.rung);
      set_conv_precision(ladder.precision);
      set_thread_count(1);
      const std::uint64_t expected = train(GetParam(), fuse);
      outcomes[fuse].insert(expected);
      for (const int threads : {2, 3, 4, 7}) {
        set_thread_count(threads);
        EXPECT_EQ(train(GetParam(), fuse), expected)
            << threads << " threads, FANIN_CONV=" << ladder.rung << ", conv = " << name_of(ladder.precision)
            << (fuse ? ", fused" : "");
      }
    }
  // The rungs do run: gemm, direct, winograd2 and winograd4 round differently; a ConvMixer has no 3x3 convolution that
  // Winograd fits, but gemm, direct and depthwise.
  const std::size_t least = std::string(GetParam()).starts_with("convmixer") ? 3 : 4;
  EXPECT_GE(outcomes[true].size(), least);
  EXPECT_GE(outcomes[false].size(), least);
}

INSTANTIATE_TEST_SUITE_P(Families, RungThreads,
                         ::testing::Values("wrn-10-2", "resnext-11-2x16d:widen=1", "densenet-bc-16-12",
                                           "resnet-8:width=10", "convmixer-2-20"));

}  // namespace
}  // namespace fanin
