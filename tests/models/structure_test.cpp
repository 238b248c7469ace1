// What a parameter count does not show: forms that are the same function, shortcuts, dropout.
// SPDX-License-Identifier: MIT
#include "core/check.h"
#include "core/kernels/conv2d.h"
#include "core/rng.h"
#include "models/catalog.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

// A small integer for element `i` of a stream: -1, 0 or 1, mostly 0, so that deep sums stay small.
float digit(const Rng& rng, std::size_t i, double density) {
  const double u = rng.uniform(i);
  return u < density / 2 ? -1.0f : u < density ? 1.0f : 0.0f;
}

void fill_with_digits(Network& net, double density) {
  for (Parameter* p : net.parameters())
    for (std::size_t i = 0; i < p->value.size(); ++i) p->value[i] = digit(Rng::stream(1, p->name), i, density);
}

// Branch i of form B is the i-th range of output channels of form C; with weights in HWIO that is a column block of
// every matrix.
void copy_branches(const Network& grouped, Network& split) {
  for (Parameter* to : split.parameters()) {
    std::string name = to->name;
    const std::size_t at = name.find("branch_");
    int branch = 0;
    if (at != std::string::npos) {
      const std::size_t dot = name.find('.', at);
      branch = std::stoi(name.substr(at + 7, dot - at - 7));
      name.erase(at, dot + 1 - at);
    }
    const Parameter* from = grouped.find_parameter(name);
    ASSERT_NE(from, nullptr) << to->name;
    const std::size_t columns = static_cast<std::size_t>(to->shape.out_channels());
    const std::size_t stride = static_cast<std::size_t>(from->shape.out_channels());
    for (std::size_t i = 0; i < to->value.size(); ++i)
      to->value[i] = from->value[i / columns * stride + static_cast<std::size_t>(branch) * columns + i % columns];
  }
}

// Xie et al. (2017), figure 3: (b) and (c) are equivalent. Weights and pixels are integers, so the true logits and
// gradients are, too; below 2^20 a float result is off by less than one half and rounds to them, in whatever order it
// was summed. F(4x4) is left out: it makes 1e-6 of a sum that is exactly 0, and that opens a ReLU.
TEST(Structure, ResnextFormsBAndCAreTheSameFunction) {
  const Shape image{1, 8, 8, 3};
  const ConvPrecision before = conv_precision();
  set_conv_precision(ConvPrecision::exact);
  for (const char* options : {"", ",shortcut=C", ",shortcut=A"}) {
    Model c = build_model(std::string("resnext-20-4x8d:widen=1,norm=none,form=C") + options, image, 10);
    Model b = build_model(std::string("resnext-20-4x8d:widen=1,norm=none,form=B") + options, image, 10);
    c.network.prepare(c.logits, 2);
    b.network.prepare(b.logits, 2);
    fill_with_digits(c.network, 0.04);
    copy_branches(c.network, b.network);
    Tensor x(image.with_images(2)), dy({2, 1, 1, 10});
    for (std::size_t i = 0; i < x.shape().size(); ++i) x.view().data[i] = digit(Rng::stream(1, "x"), i, 0.3);
    for (std::size_t i = 0; i < dy.shape().size(); ++i) dy.view().data[i] = 4.0f;  // the last pool averages 2 x 2
    const ConstView yc = c.network.forward(std::as_const(x).view(), Mode::train);
    const ConstView yb = b.network.forward(std::as_const(x).view(), Mode::train);
    float largest = 0.0f;
    for (std::size_t i = 0; i < yc.shape.size(); ++i) {
      largest = std::max(largest, std::abs(4.0f * yc.data[i]));
      EXPECT_EQ(std::round(4.0f * yc.data[i]), std::round(4.0f * yb.data[i])) << options << " logit " << i;
    }
    EXPECT_GT(largest, 10.0f) << options << ": a network of zeros shows nothing";
    EXPECT_LT(largest, 0x1p20f) << options;
    c.network.backward(std::as_const(dy).view());
    b.network.backward(std::as_const(dy).view());
    const char* const stem = "conv_1_3x3.weight";
    const std::span<float> gc = c.network.find_parameter(stem)->grad, gb = b.network.find_parameter(stem)->grad;
    largest = 0.0f;
    for (std::size_t i = 0; i < gc.size(); ++i) {
      largest = std::max(largest, std::abs(gc[i]));
      EXPECT_EQ(std::round(gc[i]), std::round(gb[i])) << options << " gradient " << i;
    }
    EXPECT_GT(largest, 10.0f) << options;
    EXPECT_LT(largest, 0x1p20f) << options;
  }
  set_conv_precision(before);
}

int count(const Model& model, const std::string& description) {
  int n = 0;
  for (const NodeSummary& row : model.network.summary()) n += row.description.starts_with(description);
  return n;
}

TEST(Structure, PlainNetworksOfOneStageKeepTheirSize) {
  const Model one = build_model("plain-9-4:stages=1", {1, 8, 8, 3}, 10),
              three = build_model("plain-9-4", {1, 8, 8, 3}, 10);
  const auto outputs = [](const Model& model) {
    std::vector<std::pair<int, int>> found;  // channels, height
    for (const NodeSummary& row : model.network.summary())
      if (row.traits.kind == Traits::Kind::conv) found.emplace_back(row.output.channels, row.output.height);
    return found;
  };
  EXPECT_EQ(outputs(one), (std::vector<std::pair<int, int>>(8, {4, 8})));
  EXPECT_EQ(outputs(three).back(), (std::pair<int, int>{16, 2}));
  EXPECT_THROW(build_model("plain-9-4:stages=4", {1, 8, 8, 3}, 10), Error);
  EXPECT_THROW(build_model("mlp-2-4:stages=1", {1, 8, 8, 3}, 10), Error);
}

TEST(Structure, ShortcutsConvolveWhereTheirTypeSays) {
  const Shape image{1, 32, 32, 3};
  const auto convolutions = [&](const char* spec) { return count(build_model(spec, image, 10), "conv 1x1"); };
  // Three stages of three basic blocks: 16 -> 16, 16 -> 32, 32 -> 64 channels.
  EXPECT_EQ(convolutions("resnet-20:shortcut=A"), 0);
  EXPECT_EQ(convolutions("resnet-20:shortcut=B"), 2);
  EXPECT_EQ(convolutions("resnet-20:shortcut=C"), 9);
  EXPECT_EQ(count(build_model("resnet-20", image, 10), "pad_channels"), 2);
  // Three stages of three bottlenecks, each with two 1x1 convolutions; with 4 times the channels all stages change them.
  EXPECT_EQ(convolutions("resnext-29-2x4d:shortcut=A"), 18);
  EXPECT_EQ(convolutions("resnext-29-2x4d"), 21);
  EXPECT_EQ(convolutions("resnext-29-2x4d:shortcut=C"), 27);
  EXPECT_EQ(convolutions("wrn-16-1"), 2);
  EXPECT_EQ(convolutions("wrn-16-2"), 3);
  EXPECT_EQ(convolutions("preresnet-11"), 2 * 3 + 3);
}

// An identity block: with its convolutions at zero a residual network passes every stride-th pixel on, in the first
// channels.
TEST(Structure, ShortcutAIsEveryOtherPixelAndZeroChannels) {
  Model model = build_model("resnet-8:norm=none,act=identity,width=2", {1, 8, 8, 3}, 8);
  Network& net = model.network;
  net.prepare(model.logits, 1);
  std::fill(net.values().begin(), net.values().end(), 0.0f);
  Parameter* const stem = net.find_parameter("conv1.weight");
  stem->value[static_cast<std::size_t>(4 * 3 * 2)] = 1.0f;  // centre tap, red -> channel 0
  Parameter* const fc = net.find_parameter("fc.weight");
  for (int k = 0; k < 8; ++k) fc->value[static_cast<std::size_t>(k * 8 + k)] = 1.0f;
  Tensor x({1, 8, 8, 3});
  float expected = 0.0f;
  for (int h = 0; h < 8; ++h)
    for (int w = 0; w < 8; ++w) {
      const float red = static_cast<float>(h * 8 + w);
      x.view().pixel(static_cast<std::size_t>(h * 8 + w))[0] = red;
      if (h % 4 == 0 && w % 4 == 0) expected += red / 4.0f;  // two strides of 2, then the mean over 2 x 2
    }
  const ConstView y = net.forward(std::as_const(x).view(), Mode::evaluate);
  EXPECT_EQ(y.data[0], expected);
  for (int k = 1; k < 8; ++k) EXPECT_EQ(y.data[k], 0.0f) << k;
}

// With its depthwise filters at zero and no norm a ConvMixer block passes x to its 1x1 convolution, and a stem that picks
// one pixel of each patch leaves every second pixel.
TEST(Structure, ConvmixerAddsTheDepthwisePartToItsInput) {
  Model model = build_model("convmixer-2-3:norm=none,act=identity", {1, 8, 8, 3}, 3);
  Network& net = model.network;
  net.prepare(model.logits, 1);
  std::fill(net.values().begin(), net.values().end(), 0.0f);
  for (int c = 0; c < 3; ++c) {  // memory is row, column, in, out; the stem takes the last pixel of its patch
    net.find_parameter("stem.0.weight")->value[static_cast<std::size_t>((3 * 3 + c) * 3 + c)] = 1.0f;
    for (const char* name : {"blocks.0.1.weight", "blocks.1.1.weight", "head.weight"})
      net.find_parameter(name)->value[static_cast<std::size_t>(c * 3 + c)] = 1.0f;
  }
  Tensor x({1, 8, 8, 3});
  double expected[3] = {};
  for (int p = 0; p < 64; ++p)
    for (int c = 0; c < 3; ++c) {
      x.view().pixel(static_cast<std::size_t>(p))[c] = static_cast<float>(p * (c + 1));
      if (p / 8 % 2 == 1 && p % 2 == 1) expected[c] += p * (c + 1) / 16.0;
    }
  ConstView y = net.forward(std::as_const(x).view(), Mode::evaluate);
  for (int c = 0; c < 3; ++c) EXPECT_EQ(y.data[c], static_cast<float>(expected[c])) << c;
  // The identity as depthwise filter, channel by channel, doubles what passes.
  Parameter* const depthwise = net.find_parameter("blocks.1.0.fn.0.weight");
  for (int c = 0; c < 3; ++c) depthwise->value[static_cast<std::size_t>(12 * 3 + c)] = 1.0f;
  y = net.forward(std::as_const(x).view(), Mode::evaluate);
  for (int c = 0; c < 3; ++c) EXPECT_EQ(y.data[c], 2 * static_cast<float>(expected[c])) << c;
}

TEST(Structure, DropoutIsWhereTheOptionPutsIt) {
  const Shape image{1, 32, 32, 3};
  EXPECT_EQ(count(build_model("wrn-16-1", image, 10), "dropout"), 0);
  EXPECT_EQ(count(build_model("wrn-16-1:dropout=0.3", image, 10), "dropout 0.3"), 6);  // one in each block
  EXPECT_EQ(count(build_model("fitnet4", image, 10), "dropout"), 0);
  EXPECT_EQ(count(build_model("fitnet4:dropout=0.2", image, 10), "dropout 0.2"), 5);
}

}  // namespace
}  // namespace fanin
