// Every layer's two directions against its reference by complex step, over strides, paddings, groups, odd sizes, slices
// and batch 1.
// SPDX-License-Identifier: MIT
#include "tests/support/gradient_check.h"

#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv.h"
#include "layers/dropout.h"
#include "layers/linear.h"
#include "layers/pad_channels.h"
#include "layers/pool.h"
#include "layers/relu.h"
#include "layers/scalar.h"

namespace fanin::test {
namespace {

void check_conv(const Shape& x, const ConvOptions& o) {
  const int padding = o.padding < 0 ? (o.kernel - 1) / 2 : o.padding;
  const Conv2d conv_shape{x.channels, o.out_channels, o.kernel, o.stride, padding, o.groups};
  const Shape y = conv_shape.output_shape(x);
  const int taps = o.kernel * o.kernel;
  check_layer({.name = "conv " + to_string(x) + " " + std::to_string(o.out_channels) + " k" + std::to_string(o.kernel) +
                       " s" + std::to_string(o.stride) + " p" + std::to_string(padding) + " g" +
                       std::to_string(o.groups) + (o.bias ? " bias" : ""),
               .x = x,
               .build = [o](Network& net, Node n) { return conv(net, "layer", n, o); },
               .reference =
                   [=](const Values& v, const std::vector<Values>& p) {
                     const Values product = reference::conv2d(conv_shape, x, v, p[0]);
                     return o.bias ? reference::add_bias(product, p[1]) : product;
                   },
               .terms = static_cast<double>(taps * std::max(x.channels, o.out_channels) / o.groups),
               .in_slice = y.height == x.height && y.width == x.width});
}

TEST(Gradient, Conv) {
  for (const int images : {1, 2})
    for (const int kernel : {1, 2, 3, 5})
      for (const int stride : {1, 2})
        for (const int padding : {0, 1, 2})
          check_conv({images, 5, 7, 3}, {.out_channels = 2,
                                         .kernel = kernel,
                                         .stride = stride,
                                         .padding = padding,
                                         .groups = 1,
                                         .bias = kernel == 2});
  for (const int groups : {2, 3, 6})
    check_conv({1, 4, 5, 6}, {.out_channels = 12, .kernel = 3, .stride = 1, .groups = groups, .bias = true});
  check_conv({2, 3, 3, 17}, {.out_channels = 5, .kernel = 3});
  check_conv({1, 3, 3, 5}, {.out_channels = 17, .kernel = 3});
  check_conv({2, 4, 4, 16}, {.out_channels = 12, .kernel = 1});
}

TEST(Gradient, Linear) {
  for (const int images : {1, 5})
    check_layer({.name = "linear",
                 .x = {images, 1, 1, 7},
                 .build = [](Network& net, Node n) { return linear(net, "layer", n, {.out = 4}); },
                 .reference =
                     [images](const Values& v, const std::vector<Values>& p) {
                       return reference::add_bias(
                           reference::conv2d(Conv2d{7, 4, 1, 1, 0, 1}, {images, 1, 1, 7}, v, p[0]), p[1]);
                     },
                 .terms = 8});
}

// Values and derivatives are a handful of float operations and library calls of at most 2 units, on |x| < 5 and |dy| <
// 5: 16 roundings of (1 + |x|) |dy|.
TEST(Gradient, Activations) {
  for (const std::string& kind : activation_kinds()) {
    if (kind == "identity") continue;
    for (const Shape& x : {Shape{1, 3, 5, 3}, Shape{2, 4, 4, 17}})
      check_layer({.name = kind + to_string(x),
                   .x = x,
                   .build = [kind](Network& net, Node n) { return activation(net, "layer", kind, n); },
                   .reference =
                       [kind](const Values& v, const std::vector<Values>&) {
                         Values y;
                         for (const Complex& z : v) y.push_back(reference::activation(kind, z));
                         return y;
                       },
                   .absolute = 16.0 * (1.0 + 5.0) * 5.0});
  }
}

// First order in the rounding of means over P pixels: (P + 16) roundings of the three terms of dx, each at most scale *
// inv_std * |dy| * (1 + |x_hat|^2) with |dy|, |x_hat| < 4 and scale * inv_std < 4.
TEST(Gradient, BatchNorm) {
  for (const Shape& x : {Shape{1, 3, 5, 1}, Shape{3, 4, 3, 5}, Shape{2, 5, 5, 17}}) {
    const double pixels = static_cast<double>(x.pixels());
    check_layer({.name = "batch_norm" + to_string(x),
                 .x = x,
                 .build = [](Network& net, Node n) { return batch_norm(net, "layer", n); },
                 .reference =
                     [x](const Values& v, const std::vector<Values>& p) {
                       return reference::batch_norm(x, v, p[0], p[1], static_cast<double>(1e-5f));
                     },
                 .absolute = (pixels + 16.0) * 4.0 * 4.0 * (1.0 + 4.0)});
  }
}

// With running moments the layer is y = (x - mean) * factor + shift. Mean and variance of channel c are both 0.5 + c / 8
// here. At most six roundings, those of a factor included, of terms below |x - mean| * factor + |shift| or |dy| * factor;
// |x|, |dy|, |shift| < 5, scale < 5 and 1 / std < 1.5.
TEST(Gradient, BatchNormInEvaluationMode) {
  for (const Shape& x : {Shape{1, 3, 5, 1}, Shape{3, 4, 3, 5}, Shape{2, 5, 5, 17}}) {
    const auto state = [](std::size_t c) { return 0.5f + static_cast<float>(c) / 8.0f; };
    check_layer({.name = "batch_norm" + to_string(x) + " evaluate",
                 .x = x,
                 .build = [](Network& net, Node n) { return batch_norm(net, "layer", n); },
                 .reference =
                     [=](const Values& v, const std::vector<Values>& p) {
                       Values y = v;
                       for (std::size_t i = 0; i < v.size(); ++i) {
                         const std::size_t c = i % static_cast<std::size_t>(x.channels);
                         const double moment = static_cast<double>(state(c));
                         const double std = std::sqrt(moment + static_cast<double>(1e-5f));
                         y[i] = (v[i] - moment) / std * p[0][c] + p[1][c];
                       }
                       return y;
                     },
                 .absolute = 6.0 * ((5.0 + 2.5) * 5.0 * 1.5 + 5.0),
                 .mode = Mode::evaluate,
                 .state = state});
  }
}

TEST(Gradient, DropoutInEvaluationModeIsNotThere) {
  check_layer({.name = "dropout evaluate",
               .x = {2, 3, 4, 5},
               .build = [](Network& net, Node n) { return dropout(net, "layer", n, 0.4f); },
               .reference = [](const Values& v, const std::vector<Values>&) { return v; },
               .mode = Mode::evaluate});
}

TEST(Gradient, Pooling) {
  for (const reference::Pool kind : {reference::Pool::average, reference::Pool::maximum})
    for (const PoolOptions& o : {PoolOptions{2, 0}, PoolOptions{3, 1}, PoolOptions{3, 2}, PoolOptions{1, 1},
                                 PoolOptions{2, 0, true}, PoolOptions{3, 2, true}, PoolOptions{2, 3, true}}) {
      const Shape x{2, 5, 8, 3};
      const int stride = o.stride == 0 ? o.kernel : o.stride;
      // Windows begin at every stride-th pixel: while they fit, and with ceil one more that begins inside.
      const auto windows = [&](int size) {
        int n = 0;
        while (n * stride + o.kernel <= size) ++n;
        return n + (o.ceil && (n - 1) * stride + o.kernel < size && n * stride < size ? 1 : 0);
      };
      const Shape y{2, windows(5), windows(8), 3};
      const bool average = kind == reference::Pool::average;
      check_layer(
          {.name = std::string(average ? "average" : "max") + std::to_string(o.kernel) + std::to_string(stride) +
                   (o.ceil ? "ceil" : ""),
           .x = x,
           .build = [o, average](
                        Network& net,
                        Node n) { return average ? average_pool(net, "layer", n, o) : max_pool(net, "layer", n, o); },
           .reference = [=](const Values& v,
                            const std::vector<Values>&) { return reference::pool(kind, x, y, o.kernel, stride, v); },
           .terms = static_cast<double>(o.kernel * o.kernel),
           .absolute =
               average ? 0.0 : o.kernel * o.kernel * 9 * 5.0,  // which one is largest changes with absolute values
           .in_slice = y.height == x.height});
    }
  for (const Shape& x : {Shape{1, 3, 5, 4}, Shape{3, 1, 1, 4}})
    check_layer({.name = "global_average_pool" + to_string(x),
                 .x = x,
                 .build = [](Network& net, Node n) { return global_average_pool(net, "layer", n); },
                 .reference =
                     [x](const Values& v, const std::vector<Values>&) {
                       Values y(static_cast<std::size_t>(x.images * x.channels));
                       for (std::size_t i = 0; i < v.size(); ++i) {
                         const std::size_t channel = i % static_cast<std::size_t>(x.channels),
                                           image = i / (v.size() / static_cast<std::size_t>(x.images));
                         y[image * static_cast<std::size_t>(x.channels) + channel] +=
                             v[i] / static_cast<double>(x.height * x.width);
                       }
                       return y;
                     },
                 .terms = static_cast<double>(x.height * x.width),
                 .in_slice = x.height == 1});
  check_layer({.name = "flatten",
               .x = {2, 3, 2, 3},
               .build = [](Network& net, Node n) { return flatten(net, "layer", n); },
               .reference = [](const Values& v, const std::vector<Values>&) { return v; },
               .in_slice = false});
}

TEST(Gradient, Scalars) {
  const Shape x{2, 3, 5, 3};
  check_layer({.name = "scalar_multiplier",
               .x = x,
               .build = [](Network& net, Node n) { return scalar_multiplier(net, "layer", n); },
               .reference =
                   [](const Values& v, const std::vector<Values>& p) {
                     Values y = v;
                     for (Complex& z : y) z *= p[0][0];
                     return y;
                   },
               .terms = 3});
  check_layer({.name = "scalar_bias",
               .x = x,
               .build = [](Network& net, Node n) { return scalar_bias(net, "layer", n); },
               .reference = [](const Values& v, const std::vector<Values>& p) { return reference::add_bias(v, p[0]); },
               .terms = 3});
}

TEST(Gradient, PadChannels) {
  const Shape x{2, 3, 5, 3};
  check_layer({.name = "pad_channels",
               .x = x,
               .build = [](Network& net, Node n) { return pad_channels(net, "layer", n, 5); },
               .reference =
                   [](const Values& v, const std::vector<Values>&) {
                     Values y(v.size() / 3 * 5);
                     for (std::size_t i = 0; i < v.size(); ++i) y[i / 3 * 5 + i % 3] = v[i];
                     return y;
                   }});
}

TEST(Gradient, Dropout) {
  const Shape x{2, 3, 5, 3};
  const Rng rng = Rng::stream(1, "dropout/layer/1");  // seed and step that check_layer sets
  check_layer({.name = "dropout",
               .x = x,
               .build = [](Network& net, Node n) { return dropout(net, "layer", n, 0.25f); },
               .reference =
                   [rng](const Values& v, const std::vector<Values>&) {
                     Values y = v;
                     for (std::size_t i = 0; i < y.size(); ++i)
                       y[i] = rng.uniform(i) < 0.25 ? Complex(0.0) : y[i] / 0.75;
                     return y;
                   },
               .terms = 3});
}

}  // namespace
}  // namespace fanin::test
