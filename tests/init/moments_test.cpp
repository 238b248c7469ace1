// Predicted second moments of values and gradients against means over many seeds. The bound of a comparison is five
// standard errors of the measured mean, plus what the theory itself leaves out where it is not exact: `leaves_out`, a
// relative error that each test derives.
// SPDX-License-Identifier: MIT
#include "core/activation_functions.h"
#include "core/tensor/parallel.h"
#include "init/catalog.h"
#include "init/gaussian_activation.h"
#include "init/gaussian_mean.h"
#include "init/layer_law.h"
#include "init/moment_blocks.h"
#include "init/moment_windows.h"
#include "init/moments_backward.h"
#include "init/moments_forward.h"
#include "init/sign_symmetry.h"
#include "layers/activation.h"
#include "layers/conv.h"
#include "layers/linear.h"
#include "layers/pool.h"
#include "models/catalog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numbers>

namespace fanin {
namespace {

struct Sample {
  double sum = 0, squares = 0;
  int count = 0;
  void add(double v) { sum += v, squares += v * v, ++count; }
  double mean() const { return sum / count; }
  double error() const {  // standard error of the mean
    return std::sqrt(std::max(0.0, squares / count - mean() * mean()) / (count - 1));
  }
};

struct Squares : Observer {
  std::map<std::string, Sample> values, gradients;
  static double square(ConstView v) {
    double sum = 0.0;
    for (std::size_t p = 0; p < v.shape.pixels(); ++p)
      for (int c = 0; c < v.shape.channels; ++c)
        sum += static_cast<double>(v.pixel(p)[c]) * static_cast<double>(v.pixel(p)[c]);
    return sum / static_cast<double>(v.shape.size());
  }
  void value(std::string_view node, ConstView v) override { values[std::string(node)].add(square(v)); }
  void gradient(std::string_view node, ConstView v) override { gradients[std::string(node)].add(square(v)); }
};

Tensor noise(const Shape& shape, const char* stream) {
  Tensor t(shape);
  const Rng rng = Rng::stream(7, stream);
  for (std::size_t i = 0; i < shape.size(); ++i) t.view().data[i] = static_cast<float>(rng.normal(i) + 0.3);
  return t;
}

struct Comparison {
  Squares measured;
  GraphMoments low, high;
  std::vector<std::optional<double>> gradients;
  std::size_t find(const std::string& node) const {
    for (std::size_t i = 0; i < low.nodes.size(); ++i)
      if (low.nodes[i].name == node) return i;
    ADD_FAILURE() << "no node " << node;
    return 0;
  }
};

// The gradient at the output is fixed noise, as independent of the weights as the prediction takes it to be.
Comparison compare(Network& net, Node output, const std::string& scheme_text, int seeds, const Shape& images) {
  set_thread_count(1);  // networks too small to share out
  net.prepare(output, images.images);
  const auto scheme = make_scheme(scheme_text);
  const Tensor x = noise(images, "images"), dy = noise(output.shape().with_images(images.images), "gradient");
  Comparison c;
  for (int seed = 1; seed <= seeds; ++seed) {
    scheme->apply(net, {}, static_cast<std::uint64_t>(seed));
    net.observe(&c.measured);
    net.forward(x.view(), Mode::train);
    net.backward(dy.view());
    net.observe(nullptr);
  }
  c.low = forward_moments(net, *scheme, x.view(), PoolPixels::independent);
  c.high = forward_moments(net, *scheme, x.view(), PoolPixels::equal);
  c.gradients = backward_moments(c.low, Squares::square(dy.view()));
  return c;
}

void expect_values(const Comparison& c, double leaves_out = 0.0, const std::string& until = "") {
  for (std::size_t i = 0; i < c.low.nodes.size(); ++i) {
    const std::string& name = c.low.nodes[i].name;
    const Sample& m = c.measured.values.at(name);
    ASSERT_TRUE(c.low.values[i].known) << name << ": " << c.low.values[i].reason;
    const double slack = 5.0 * m.error() + leaves_out * m.mean() + 1e-5 * m.mean();  // rounding of float networks
    EXPECT_LE(c.low.values[i].square() - slack, m.mean()) << name << " " << c.low.nodes[i].description;
    EXPECT_GE(c.high.values[i].square() + slack, m.mean()) << name << " " << c.low.nodes[i].description;
    if (name == until) return;
  }
}

void expect_gradients(const Comparison& c, double leaves_out = 0.0) {
  for (std::size_t i = 1; i < c.low.nodes.size(); ++i) {
    const std::string& name = c.low.nodes[i].name;
    const Sample& m = c.measured.gradients.at(name);
    ASSERT_TRUE(c.gradients[i].has_value()) << name;
    EXPECT_NEAR(*c.gradients[i], m.mean(), 5.0 * m.error() + (leaves_out + 1e-5) * m.mean())
        << name << " " << c.low.nodes[i].description;
  }
}

Comparison compare_model(const std::string& spec, const std::string& scheme, int seeds, const Shape& images) {
  Model model = build_model(spec, images.with_images(1), 5);
  return compare(model.network, model.logits, scheme, seeds, images);
}

TEST(GaussianActivation, TablesAgreeWithTheIntegrals) {
  using What = GaussianActivation::What;
  for (const std::string& name : activation_kinds()) {
    if (name == "identity") continue;
    const auto f = activation_functions::by_name(name), d = activation_functions::derivative_by_name(name);
    for (const double ratio : {0.0, 0.6}) {
      const GaussianActivation a(name, 0.01, ratio, 1e-4, 1e3);
      for (const double v : {1e-4, 0.013, 1.7, 333.0, 1e3}) {
        const auto integral = [&](auto&& g) {
          return gaussian_mean([&](double z) { return g(std::sqrt(v) * (z + ratio)); }, -ratio);
        };
        const double mean = integral(f), square = integral([&](double u) { return f(u) * f(u); });
        EXPECT_NEAR(a.at(What::mean, v), mean, 1e-6 * std::sqrt(square)) << name << v;
        EXPECT_NEAR(a.at(What::square, v), square, 1e-6 * square) << name << v;
        EXPECT_NEAR(a.at(What::slope_square, v), integral([&](double u) { return d(u) * d(u); }), 1e-6) << name << v;
        EXPECT_NEAR(a.product(v, 1.0), square, 1e-9 * square) << name << v;
        EXPECT_NEAR(a.product(v, 0.0), mean * mean, 1e-9 * square) << name << v;
      }
    }
  }
}

TEST(Moments, FullyConnectedReluIsExactAtAnyWidth) {
  for (const char* scheme : {"kaiming_normal", "xavier_uniform", "linear=orthogonal;bias=uniform:a=-0.3,b=0.3"}) {
    const Comparison c = compare_model("mlp-4-12", scheme, 400, {3, 2, 2, 3});
    expect_values(c);
  }
  const Comparison c = compare_model("mlp-4-12", "kaiming_normal", 400, {1, 2, 2, 3});
  expect_gradients(c);
}

// Borders, strides and groups; the values behind the pool lie between its two limits.
TEST(Moments, ConvolutionsWithPaddingAreExact) {
  const Comparison c = compare_model("plain-7-6", "kaiming_normal", 300, {2, 7, 7, 3});
  expect_values(c);
  for (const char* conv : {"conv0", "conv3", "conv5"})
    EXPECT_DOUBLE_EQ(c.low.values[c.find(conv)].square(), c.high.values[c.find(conv)].square());

  Network net({0, 5, 5, 4});
  Node a = conv(net, "a", net.input(), {.out_channels = 6, .kernel = 3, .groups = 2});
  Node b = conv(net, "b", activation(net, "act", "leaky_relu", a),
                {.out_channels = 4, .kernel = 2, .stride = 2, .padding = 1});
  Node joined = net.concat("joined", b, conv(net, "c", a, {.out_channels = 2, .kernel = 3, .stride = 2}));
  Node y = conv(net, "d", joined, {.out_channels = 6, .kernel = 1, .groups = 3});
  expect_values(compare(net, y, "xavier_normal", 400, {2, 5, 5, 4}));
}

TEST(Moments, SumsOfUncorrelatedValuesAdd) {
  Network net({0, 4, 4, 3});
  const Node x = conv(net, "conv", net.input(), {.out_channels = 8});
  const Node f = conv(net, "branch", activation(net, "act", "relu", x), {.out_channels = 8});
  const Node twice = net.sum("twice", f, x);
  const Node y = conv(net, "last", twice, {.out_channels = 4});
  const Comparison c = compare(net, y, "kaiming_normal", 400, {2, 4, 4, 3});
  expect_values(c);

  Network same({0, 4, 4, 3});
  const Node u = conv(same, "conv", same.input(), {.out_channels = 8});
  const Node z = same.sum("sum", u, activation(same, "act", "relu", u));
  const Comparison d = compare(same, z, "kaiming_normal", 2, {2, 4, 4, 3});
  EXPECT_FALSE(d.low.values.back().known) << "relu does not turn with the weights, and depends on them";
}

// Finite width n: the next layer's length fluctuates by kappa / n relative variance, kappa = E f^4 / (E f^2)^2 - 1 <= 2
// for functions between a sign and a line, and the length map, between a constant and a line, bends by at most
// q^2 V'' / (2 V) = 1/8. So each of L layers leaves out at most 1 / (4 n).
TEST(Moments, OtherActivationsAreExactAsTheWidthGrows) {
  for (const char* activation : {"tanh", "softsign"}) {
    const Comparison c = compare_model(std::string("mlp-4-200:act=") + activation,
                                       "linear=variance_scaling:scale=2,mode=fan_in,draw=normal", 60, {2, 3, 3, 3});
    expect_values(c, 4.0 / (4.0 * 200.0));
  }
}

// Each channel has variance 1 over the batch behind BatchNorm, but for epsilon, which is 1e-5 of variances above 0.2 here.
TEST(Moments, BatchNormStartsAnewAtOne) {
  for (const char* model : {"plain-4-8:norm=bn", "densenet-bc-10-4", "wrn-10-1"}) {
    const Comparison c = compare_model(model, "kaiming_normal", 3, {4, 8, 8, 3});
    for (std::size_t i = 0; i < c.low.nodes.size(); ++i)
      if (c.low.nodes[i].traits.kind == Traits::Kind::batch_norm) {
        EXPECT_NEAR(c.low.values[i].square(), 1.0, 5e-4) << c.low.nodes[i].name;
        EXPECT_NEAR(c.measured.values.at(c.low.nodes[i].name).mean(), 1.0, 5e-4) << c.low.nodes[i].name;
      }
  }
}

// Behind BatchNorm and relu half of the second moment is left and 1 / (2 pi) of it is shared by all images (mean-field
// theory of BatchNorm: Yang et al. 2019): a gradient grows by pi / (pi - 1) = 1.467 a layer, and BatchNorm takes 2 of M
// directions out.
TEST(Moments, BatchNormMakesGradientsExplode) {
  const int images = 64;
  const Comparison c = compare_model("mlp-5-100:norm=bn", "kaiming_normal", 1, {images, 4, 4, 3});
  for (int layer = 2; layer < 5; ++layer) {
    const double near = *c.gradients[c.find("fc" + std::to_string(layer))];
    const double far = *c.gradients[c.find("fc" + std::to_string(layer - 1))];
    const double expected = std::numbers::pi / (std::numbers::pi - 1) * (1.0 - 2.0 / images);
    EXPECT_NEAR(far / near, expected, 1e-4 * expected) << layer;
  }
}

TEST(Moments, SaysWhatItCannotKnow) {
  const Comparison dirac = compare_model("plain-4-6", "conv=dirac;linear=xavier_normal", 2, {2, 4, 4, 3});
  EXPECT_FALSE(dirac.low.values.back().known);
  EXPECT_NE(dirac.low.values.back().reason.find("conv0 are not centred"), std::string::npos);
  EXPECT_TRUE(dirac.low.values.front().known) << "the images are";
  EXPECT_FALSE(dirac.gradients[dirac.find("conv0")].has_value());
  Network net({0, 4, 4, 3});
  const Node pooled = max_pool(net, "pool", conv(net, "conv", net.input(), {.out_channels = 4}));
  const Comparison c = compare(net, conv(net, "last", pooled, {.out_channels = 2}), "kaiming_normal", 2, {2, 4, 4, 3});
  EXPECT_FALSE(c.low.values.back().known);
  EXPECT_TRUE(c.gradients[c.find("conv")].has_value()) << "backwards a pool needs no values";
}

// Weights shared by pixels make masks and weights depend on each other: an error of the order of 1 / fan_in a layer. The
// factor 2 is that of the worst pairing, both weights of a product met again.
TEST(Moments, GradientsOfConvolutionsAreRightUpToTheWidth) {
  Network net({0, 6, 6, 3});
  Node x = net.input();
  for (int i = 0; i < 3; ++i)
    x = activation(net, "act" + std::to_string(i), "relu",
                   conv(net, "conv" + std::to_string(i), x, {.out_channels = 32}));
  const Node y = linear(net, "fc", global_average_pool(net, "pool", x), {.out = 5});
  const Comparison c = compare(net, y, "kaiming_normal", 300, {1, 6, 6, 3});
  expect_gradients(c, 2.0 / 27.0 + 2.0 * 2.0 / 288.0);
}

}  // namespace
}  // namespace fanin
