// What layers promise beyond their formulas: statistics, modes, NaN, refusals.
// SPDX-License-Identifier: MIT
#include "core/check.h"
#include "core/graph/network.h"
#include "core/kernels/reference.h"
#include "core/rng.h"
#include "core/train/loss.h"
#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/channel_sum.h"
#include "layers/conv.h"
#include "layers/dropout.h"
#include "layers/linear.h"
#include "layers/pad_channels.h"
#include "layers/pool.h"
#include "layers/relu.h"
#include "tests/support/error_of.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace fanin {
namespace {

using test::error_of;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Tensor random_tensor(Shape shape, const char* name, double mean = 0.0) {
  Tensor t(shape);
  const Rng rng = Rng::stream(2, name);
  for (std::size_t i = 0; i < shape.size(); ++i) t.view().data[i] = static_cast<float>(rng.normal(i) + mean);
  return t;
}

struct OneLayer {
  OneLayer(Shape x, const std::function<Node(Network&, Node)>& build) : net(x) {
    net.prepare(build(net, net.input()), x.images);
    for (Parameter* p : net.parameters())
      std::fill(p->value.begin(), p->value.end(), p->role == Role::norm_scale ? 1.0f : 0.0f);
  }
  Network net;
};

// torch.nn.BatchNorm2d: running = 0.9 running + 0.1 batch, with the unbiased variance; the output uses the biased one.
TEST(BatchNorm, RunningStatisticsAreThoseOfTorch) {
  const Shape shape{3, 2, 2, 2};
  OneLayer layer(shape, [](Network& net, Node x) { return batch_norm(net, "bn", x); });
  double mean[2] = {0, 0}, variance[2] = {1, 1};
  for (const char* name : {"a", "b", "c"}) {
    const Tensor x = random_tensor(shape, name, 1.5);
    layer.net.forward(x.view(), Mode::train);
    for (int c = 0; c < 2; ++c) {
      double m = 0, v = 0;
      for (std::size_t p = 0; p < 12; ++p) m += static_cast<double>(x.view().pixel(p)[c]) / 12;
      for (std::size_t p = 0; p < 12; ++p)
        v += (static_cast<double>(x.view().pixel(p)[c]) - m) * (static_cast<double>(x.view().pixel(p)[c]) - m) / 11;
      mean[c] = 0.9 * mean[c] + 0.1 * m;
      variance[c] = 0.9 * variance[c] + 0.1 * v;
    }
  }
  const std::vector<StateBuffer*> buffers = layer.net.buffers();
  ASSERT_EQ(buffers.size(), 2u);
  EXPECT_EQ(buffers[0]->name, "bn.running_mean");
  EXPECT_EQ(buffers[1]->name, "bn.running_var");
  for (std::size_t c = 0; c < 2; ++c) {  // three updates of about six roundings each, values below 4
    EXPECT_NEAR(static_cast<double>(buffers[0]->value[c]), mean[c], 3 * 6 * 4 * 0x1p-24);
    EXPECT_NEAR(static_cast<double>(buffers[1]->value[c]), variance[c], 3 * 6 * 4 * 0x1p-24);
  }
  const Tensor x = random_tensor(shape, "d");
  const ConstView y = layer.net.forward(x.view(), Mode::evaluate);
  for (std::size_t p = 0; p < 12; ++p)
    for (int c = 0; c < 2; ++c)
      EXPECT_NEAR(static_cast<double>(y.pixel(p)[c]),
                  (static_cast<double>(x.view().pixel(p)[c]) - mean[c]) / std::sqrt(variance[c] + 1e-5), 1e-5);
  EXPECT_NEAR(static_cast<double>(buffers[0]->value[0]), mean[0], 3 * 6 * 4 * 0x1p-24)
      << "evaluation does not move the statistics";
}

// Mean 1000 deviations away: E[x^2] - E[x]^2 in float would lose all digits of the variance; the output still has
// variance 1 to the rounding of x itself, 1000 * 2^-24 per value.
TEST(BatchNorm, AMeanFarFromZeroCostsNoAccuracy) {
  const Shape shape{4, 8, 8, 3};
  OneLayer layer(shape, [](Network& net, Node x) { return batch_norm(net, "bn", x); });
  const Tensor x = random_tensor(shape, "far", 1000.0);
  const ConstView y = layer.net.forward(x.view(), Mode::train);
  double mean = 0, square = 0;
  for (std::size_t p = 0; p < 256; ++p) {
    mean += static_cast<double>(y.pixel(p)[1]) / 256;
    square += static_cast<double>(y.pixel(p)[1]) * static_cast<double>(y.pixel(p)[1]) / 256;
  }
  EXPECT_NEAR(mean, 0.0, 1000 * 0x1p-23);
  EXPECT_NEAR(square, 1.0, 1e-5 + 2 * 1000 * 0x1p-23);
}

TEST(Dropout, KeepsItsRateAndDrawsAnewEveryStep) {
  const Shape shape{4, 16, 16, 16};
  OneLayer layer(shape, [](Network& net, Node x) { return dropout(net, "d", x, 0.3f); });
  Tensor ones(shape);
  fill(ones.view(), 1.0f);
  const auto run = [&](std::uint64_t seed, std::uint64_t step, Mode mode) {
    layer.net.set_random_state(seed, step);
    const ConstView y = layer.net.forward(std::as_const(ones).view(), mode);
    return std::vector<float>(y.data, y.data + shape.size());
  };
  const std::vector<float> a = run(1, 5, Mode::train);
  const double n = static_cast<double>(a.size()), dropped = static_cast<double>(std::count(a.begin(), a.end(), 0.0f));
  EXPECT_NEAR(dropped / n, 0.3, 5.0 * std::sqrt(0.3 * 0.7 / n));
  for (const float v : a) EXPECT_TRUE(v == 0.0f || v == 1.0f / 0.7f) << v;
  EXPECT_EQ(a, run(1, 5, Mode::train));
  EXPECT_NE(a, run(1, 6, Mode::train));
  EXPECT_NE(a, run(2, 5, Mode::train));
  const std::vector<float> evaluated = run(1, 5, Mode::evaluate);
  EXPECT_EQ(evaluated, std::vector<float>(shape.size(), 1.0f));
}

TEST(Activation, NanStaysNan) {
  for (const std::string& kind : activation_kinds()) {
    if (kind == "identity") continue;
    OneLayer layer({1, 1, 1, 3}, [&](Network& net, Node x) { return activation(net, "a", kind, x); });
    Tensor x({1, 1, 1, 3});
    x.view().data[1] = kNan;
    const ConstView y = layer.net.forward(std::as_const(x).view(), Mode::train);
    EXPECT_FALSE(std::isnan(y.data[0])) << kind;
    EXPECT_TRUE(std::isnan(y.data[1])) << kind;
  }
  OneLayer pool({1, 2, 2, 1}, [](Network& net, Node x) { return max_pool(net, "p", x); });
  Tensor x({1, 2, 2, 1});
  x.view().data[2] = kNan;
  EXPECT_TRUE(std::isnan(pool.net.forward(std::as_const(x).view(), Mode::train).data[0]));
}

TEST(Activation, LargeInputsDoNotOverflow) {
  for (const char* kind : {"softplus", "sigmoid", "silu", "gelu", "tanh", "elu", "selu", "softsign"}) {
    OneLayer layer({1, 1, 1, 2}, [&](Network& net, Node x) { return activation(net, "a", kind, x); });
    Tensor x({1, 1, 1, 2});
    x.view().data[0] = 1000.0f;
    x.view().data[1] = -1000.0f;
    const ConstView y = layer.net.forward(std::as_const(x).view(), Mode::train);
    EXPECT_TRUE(std::isfinite(y.data[0]) && std::isfinite(y.data[1])) << kind << ": " << y.data[0] << ", " << y.data[1];
  }
}

TEST(ChannelSum, AddsOverAllPixels) {
  const Tensor x = random_tensor({3, 40, 41, 5}, "sum");
  std::vector<float> sums(5, 1.0f), scratch(channel_sum_scratch(x.shape()));
  add_channel_sums(x.view(), sums, scratch);
  for (int c = 0; c < 5; ++c) {
    double expected = 1.0, magnitude = 1.0;
    for (std::size_t p = 0; p < x.shape().pixels(); ++p) {
      expected += static_cast<double>(x.view().pixel(p)[c]);
      magnitude += std::fabs(static_cast<double>(x.view().pixel(p)[c]));
    }
    EXPECT_NEAR(static_cast<double>(sums[static_cast<std::size_t>(c)]), expected,
                static_cast<double>(x.shape().pixels()) * 0x1p-24 * magnitude);
  }
}

void expect_error(const std::function<void(Network&)>& build, const std::vector<std::string>& parts) {
  Network net({1, 4, 4, 6});
  const Network::Scope scope = net.scope("block");
  const std::string error = error_of([&] { build(net); });
  for (const std::string& part : parts)
    EXPECT_NE(error.find(part), std::string::npos) << "'" << part << "' is not in: " << error;
}

TEST(Shapes, ErrorsNameThePlaceBothValuesAndTheRemedy) {
  expect_error([](Network& n) { conv(n, "c", n.input(), {.out_channels = 4, .kernel = 3, .groups = 4}); },
               {"6 input", "groups = 4"});
  expect_error([](Network& n) { conv(n, "c", n.input(), {.out_channels = 4, .kernel = 7, .padding = 0}); },
               {"block.c", "7x7", "4x4"});
  expect_error([](Network& n) { conv(n, "c", n.input(), {.out_channels = 0}); }, {"0 output channels"});
  expect_error([](Network& n) { linear(n, "l", n.input(), {.out = 3}); },
               {"block.l", "1x1", "4x4", "global_average_pool"});
  expect_error([](Network& n) { pad_channels(n, "p", n.input(), n.image().channels); },
               {"block.p", "cannot pad", "larger"});
  expect_error([](Network& n) { average_pool(n, "p", n.input(), {.kernel = 5}); }, {"block.p", "5x5", "4x4"});
  expect_error([](Network& n) { dropout(n, "d", n.input(), 1.0f); }, {"probability 1"});
  expect_error([](Network& n) { leaky_relu(n, "r", n.input(), -1.0f); }, {"slope -1"});
  expect_error([](Network& n) { activation(n, "a", "rleu", n.input()); }, {"'rleu'", "relu"});
  expect_error([](Network& n) { n.sum("s", n.input(), global_average_pool(n, "g", n.input())); },
               {"block.s", "1x4x4x6", "1x1x1x6"});
  expect_error([](Network& n) { n.concat("s", n.input(), global_average_pool(n, "g", n.input())); },
               {"block.s", "1x4x4x6", "1x1x1x6"});
  expect_error([](Network& n) { relu(n, "r", n.input()), relu(n, "r", n.input()); }, {"block.r", "taken"});
}

TEST(Loss, FollowsTheReference) {
  for (const double smoothing : {0.0, 0.1}) {
    const int images = 4, classes = 7;
    const Tensor logits = random_tensor({images, 1, 1, classes}, "logits");
    const std::vector<int> labels = {0, 6, 3, 3};
    Tensor gradient(logits.shape());
    const LossResult result =
        softmax_cross_entropy(logits.view(), labels, static_cast<float>(smoothing), gradient.view());
    std::vector<std::complex<double>> z(logits.view().data, logits.view().data + images * classes);
    const double s = static_cast<double>(static_cast<float>(smoothing));
    EXPECT_NEAR(result.loss_sum / images, reference::cross_entropy(z, labels, s).real(), 1e-14);  // both in double
    for (std::size_t i = 0; i < z.size(); ++i) {
      z[i] += std::complex<double>(0.0, 1e-30);
      EXPECT_NEAR(static_cast<double>(gradient.view().data[i]), reference::cross_entropy(z, labels, s).imag() / 1e-30,
                  0x1p-25)
          << i;  // rounded to float once, below 1
      z[i] = z[i].real();
    }
  }
}

TEST(Loss, LargeLogitsTiesNanAndWrongLabels) {
  Tensor logits({1, 1, 1, 3});
  logits.view().data[0] = 1e30f;
  const std::vector<int> zero = {0}, three = {3};
  EXPECT_EQ(softmax_cross_entropy(std::as_const(logits).view(), zero, 0.0f, View{}).loss_sum, 0.0);
  fill(logits.view(), 2.0f);
  EXPECT_EQ(softmax_cross_entropy(std::as_const(logits).view(), zero, 0.0f, View{}).correct, 1)
      << "the first of equals";
  EXPECT_NEAR(softmax_cross_entropy(std::as_const(logits).view(), zero, 0.0f, View{}).loss_sum, std::log(3.0), 1e-15);
  logits.view().data[1] = kNan;
  EXPECT_FALSE(std::isfinite(softmax_cross_entropy(std::as_const(logits).view(), zero, 0.0f, View{}).loss_sum));
  EXPECT_THROW(softmax_cross_entropy(std::as_const(logits).view(), three, 0.0f, View{}), Error);
}

}  // namespace
}  // namespace fanin
