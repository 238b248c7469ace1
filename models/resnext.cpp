// SPDX-License-Identifier: MIT
#include "models/resnext.h"

#include "core/check.h"
#include "layers/conv.h"
#include "layers/linear.h"
#include "layers/pool.h"

#include <fmt/format.h>

namespace fanin {

namespace {

// Form C: the branches are the groups of one convolution.
Node grouped(Network& net, Node x, int inner, int stride, const ResnextOptions& o) {
  Node y = conv(net, "conv_reduce", x, {.out_channels = inner * o.cardinality, .kernel = 1});
  y = act(net, "act_reduce", norm(net, "bn_reduce", y, o), o);
  y = conv(net, "conv_conv", y,
           {.out_channels = inner * o.cardinality, .kernel = 3, .stride = stride, .groups = o.cardinality});
  return act(net, "act_conv", norm(net, "bn", y, o), o);
}

// Form B: branch i is "branch_i", and what it gives is joined from the left.
Node split(Network& net, Node x, int inner, int stride, const ResnextOptions& o) {
  Node joined;
  for (int i = 0; i < o.cardinality; ++i) {
    Node y;
    {
      const Network::Scope scope = net.scope(fmt::format("branch_{}", i));
      y = conv(net, "conv_reduce", x, {.out_channels = inner, .kernel = 1});
      y = act(net, "act_reduce", norm(net, "bn_reduce", y, o), o);
      y = conv(net, "conv_conv", y, {.out_channels = inner, .kernel = 3, .stride = stride});
      y = act(net, "act_conv", norm(net, "bn", y, o), o);
    }
    joined = i == 0 ? y : net.concat(fmt::format("join_{}", i), joined, y);
  }
  return joined;
}

Node bottleneck(Network& net, Node x, int out, int stride, const ResnextOptions& o) {
  const int inner = o.width * out / (64 * o.widen);
  Node y = o.split ? split(net, x, inner, stride, o) : grouped(net, x, inner, stride, o);
  y = norm(net, "bn_expand", conv(net, "conv_expand", y, {.out_channels = out, .kernel = 1}), o);
  Node shortcut = x;
  if (convolves(o.shortcut, x.shape(), out, stride)) {
    const Network::Scope scope = net.scope("shortcut");
    shortcut = conv(net, "shortcut_conv", x, {.out_channels = out, .kernel = 1, .stride = stride, .padding = 0});
    shortcut = norm(net, "shortcut_bn", shortcut, o);
  } else {
    shortcut = zero_padded(net, x, out, stride);
  }
  return act(net, "act", net.sum("sum", y, shortcut), o);
}

}  // namespace

Node resnext(Network& net, const ResnextOptions& o) {
  const int blocks = repetitions("resnext", o.depth, 9, 2);
  FANIN_CHECK(
      o.cardinality >= 1 && o.cardinality <= 1024 && o.width >= 1 && o.width <= 4096 && o.widen >= 1 && o.widen <= 64,
      usage, "resnext: cardinality {}, width {}, widen {}; give at least 1 (at most 1024, 4096, 64)", o.cardinality,
      o.width, o.widen);
  Node x = conv(net, "conv_1_3x3", net.input(), {.out_channels = 64, .kernel = 3});
  x = act(net, "act_1", norm(net, "bn_1", x, o), o);
  for (int s = 1; s <= 3; ++s) {
    const std::string stage = fmt::format("stage_{}", s);
    const Network::Scope stage_scope = net.scope(stage);
    for (int b = 0; b < blocks; ++b) {
      const Network::Scope scope = net.scope(fmt::format("{}_bottleneck_{}", stage, b));
      x = bottleneck(net, x, (64 << (s - 1)) * o.widen, s > 1 && b == 0 ? 2 : 1, o);
    }
  }
  return linear(net, "classifier", global_average_pool(net, "pool", x), {.out = o.classes});
}

Node resnext(Network& net, ModelSpec& spec) {
  ResnextOptions o;
  read_common(spec, o);
  o.depth = spec.numbers[0];
  o.cardinality = spec.numbers[1];
  o.width = spec.numbers[2];
  o.widen = spec.options.integer("widen", o.widen, 1, 64);
  o.split = spec.options.word("form", "C", {"B", "C"}) == "B";
  o.shortcut = read_shortcut(spec, Shortcut::b);
  spec.options.finish();
  return resnext(net, o);
}

}  // namespace fanin
