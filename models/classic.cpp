// SPDX-License-Identifier: MIT
#include "models/classic.h"

#include "core/check.h"
#include "layers/conv.h"
#include "layers/dropout.h"
#include "layers/linear.h"
#include "layers/pool.h"

#include <fmt/format.h>

#include <array>

namespace fanin {

namespace {

// Convolutions of each group.
std::array<int, 5> vgg_groups(int depth) {
  switch (depth) {
    case 11: return {1, 1, 2, 2, 2};
    case 13: return {2, 2, 2, 2, 2};
    case 16: return {2, 2, 3, 3, 3};
    case 19: return {2, 2, 4, 4, 4};
    default: fail(ErrorKind::usage, "vgg: there is no depth {}; choose 11, 13, 16 or 19", depth);
  }
}

struct UnitOptions {
  int channels, kernel;
  bool bias;
  float epsilon = 1e-5f;
};

// Convolution, norm and activation number `i`.
Node unit(Network& net, int i, Node x, const UnitOptions& u, const ModelOptions& o) {
  x = conv(net, fmt::format("conv{}", i), x, {.out_channels = u.channels, .kernel = u.kernel, .bias = u.bias});
  return act(net, fmt::format("act{}", i), norm(net, fmt::format("bn{}", i), x, o, u.epsilon), o);
}

Node dropped(Network& net, const std::string& name, Node x, float p) { return p > 0.0f ? dropout(net, name, x, p) : x; }

}  // namespace

Node vgg(Network& net, const ClassicOptions& o) {
  const std::array<int, 5> groups = vgg_groups(o.depth), channels = {64, 128, 256, 512, 512};
  Node x = net.input();
  int i = 0;
  for (std::size_t g = 0; g < 5; ++g) {
    for (int n = 0; n < groups[g]; ++n)
      x = unit(net, i++, x, {.channels = channels[g], .kernel = 3, .bias = !o.norm, .epsilon = 1e-3f}, o);
    if (g < 4) x = max_pool(net, fmt::format("pool{}", g), x, {.kernel = 2, .ceil = true});
  }
  return linear(net, "fc", global_average_pool(net, "pool", x), {.out = o.classes});
}

Node nin(Network& net, const ClassicOptions& o) {
  int i = 0;
  // A convolution and two 1x1 convolutions after it, which are a small network at every pixel.
  const auto group = [&](Node x, int kernel, const std::array<int, 3>& channels) {
    for (std::size_t n = 0; n < 3; ++n)
      x = unit(net, i++, x, {.channels = channels[n], .kernel = n == 0 ? kernel : 1, .bias = true}, o);
    return x;
  };
  Node x = group(net.input(), 5, {192, 160, 96});
  x = max_pool(net, "pool0", x, {.kernel = 3, .stride = 2, .ceil = true});
  x = group(x, 5, {192, 192, 192});
  x = average_pool(net, "pool1", x, {.kernel = 3, .stride = 2, .ceil = true});
  x = group(x, 3, {192, 192, 192});
  return linear(net, "fc", global_average_pool(net, "pool", x), {.out = o.classes});
}

Node fitnet4(Network& net, const ClassicOptions& o) {
  constexpr std::array<int, 17> channels = {32, 32, 32, 48, 48, 80, 80, 80, 80, 80, 80, 128, 128, 128, 128, 128, 128};
  Node x = dropped(net, "drop_input", net.input(), o.dropout);
  for (int i = 0; i < 17; ++i) {
    if (i == 5 || i == 11) {
      x = max_pool(net, i == 5 ? "pool0" : "pool1", x, {.kernel = 2});
      x = dropped(net, i == 5 ? "drop0" : "drop1", x, o.dropout);
    }
    x = unit(net, i, x, {.channels = channels[static_cast<std::size_t>(i)], .kernel = 3, .bias = !o.norm}, o);
  }
  FANIN_CHECK(x.shape().height == x.shape().width, shape, "fitnet4: the image must be square, not {}x{}",
              net.image().height, net.image().width);
  x = max_pool(net, "pool2", x, {.kernel = x.shape().height});
  x = linear(net, "fc0", dropped(net, "drop2", x, o.dropout), {.out = 500, .bias = !o.norm});
  x = act(net, "act_fc0", norm(net, "bn_fc0", x, o), o);
  return linear(net, "fc1", dropped(net, "drop3", x, o.dropout), {.out = o.classes});
}

Node vgg(Network& net, ModelSpec& spec) {
  ClassicOptions o;
  read_common(spec, o);
  o.depth = spec.numbers[0];
  spec.options.finish();
  return vgg(net, o);
}

Node nin(Network& net, ModelSpec& spec) {
  ClassicOptions o;
  read_common(spec, o);
  spec.options.finish();
  return nin(net, o);
}

Node fitnet4(Network& net, ModelSpec& spec) {
  ClassicOptions o;
  o.norm = false;
  read_common(spec, o);
  o.dropout = static_cast<float>(spec.options.number("dropout", 0.0));
  FANIN_CHECK(o.dropout >= 0.0f && o.dropout < 1.0f, usage, "fitnet4: dropout {}; give at least 0 and below 1",
              o.dropout);
  spec.options.finish();
  return fitnet4(net, o);
}

}  // namespace fanin
