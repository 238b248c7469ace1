// SPDX-License-Identifier: MIT
#include "models/resnet.h"

#include "core/check.h"
#include "layers/conv.h"
#include "layers/linear.h"
#include "layers/pool.h"
#include "models/residual.h"

#include <fmt/format.h>

namespace fanin {

namespace {

ConvOptions conv1x1(int channels, int stride = 1) {
  return {.out_channels = channels, .kernel = 1, .stride = stride, .padding = 0};
}
ConvOptions conv3x3(int channels, int stride = 1) { return {.out_channels = channels, .kernel = 3, .stride = stride}; }

// Convolution i of a branch, with what its form puts before it.
Node branch_conv(Network& net, int i, Node x, ConvOptions options, const ResnetOptions& o) {
  options.bias = branch_biases(o.residual);
  return conv(net, fmt::format("conv{}", i), shifted(net, fmt::format("bias{}a", i), x, o.residual), options);
}

Node original_block(Network& net, Node x, int width, int stride, const ResnetOptions& o) {
  const int out = o.bottleneck ? 4 * width : width;
  const auto step = [&](int i, Node y, const ConvOptions& options) {
    return norm(net, fmt::format("bn{}", i), branch_conv(net, i, y, options, o), o);
  };
  const auto activated = [&](int i, Node y) {
    return act(net, fmt::format("act{}", i), shifted(net, fmt::format("bias{}b", i), y, o.residual), o);
  };
  Node y;
  if (o.bottleneck) {
    y = activated(1, step(1, x, conv1x1(width)));
    y = activated(2, step(2, y, conv3x3(width, stride)));
    y = step(3, y, conv1x1(out));
  } else {
    y = activated(1, step(1, x, conv3x3(width, stride)));
    y = step(2, y, conv3x3(width));
  }
  y = branch_end(net, y, o.residual);
  Node shortcut;
  if (convolves(o.shortcut, x.shape(), out, stride)) {
    const Network::Scope scope = net.scope("downsample");
    shortcut = norm(net, "1", conv(net, "0", x, conv1x1(out, stride)), o);
  } else {
    shortcut = zero_padded(net, x, out, stride);
  }
  return act(net, "act", net.sum("sum", y, shortcut), o);
}

Node pre_activation_block(Network& net, Node x, int width, int stride, const ResnetOptions& o) {
  const int out = o.bottleneck ? 4 * width : width;
  const auto activated = [&](int i, Node y) {
    y = shifted(net, fmt::format("bias{}b", i), norm(net, fmt::format("bn{}", i), y, o), o.residual);
    return act(net, fmt::format("act{}", i), y, o);
  };
  const Node a = activated(1, x);
  Node y;
  if (o.bottleneck) {
    y = branch_conv(net, 1, a, conv1x1(width, stride), o);
    y = branch_conv(net, 2, activated(2, y), conv3x3(width), o);
    y = branch_conv(net, 3, activated(3, y), conv1x1(out), o);
  } else {
    y = branch_conv(net, 1, a, conv3x3(width, stride), o);
    y = branch_conv(net, 2, activated(2, y), conv3x3(width), o);
  }
  y = branch_end(net, y, o.residual);
  const bool same = x.channels() == out && stride == 1;
  return net.sum("sum", y, same ? x : conv(net, "shortcut", a, conv1x1(out, stride)));
}

using Block = Node (*)(Network&, Node, int width, int stride, const ResnetOptions&);

Node stages(Network& net, Node x, Block block, int blocks, const ResnetOptions& o) {
  for (int s = 0; s < 3; ++s)
    for (int b = 0; b < blocks; ++b) {
      const Network::Scope scope = net.scope(fmt::format("layer{}.{}", s + 1, b));
      x = block(net, x, o.width << s, s > 0 && b == 0 ? 2 : 1, o);
    }
  return x;
}

Node classifier(Network& net, Node x, const ResnetOptions& o) {
  x = shifted(net, "bias_fc", global_average_pool(net, "pool", x), o.residual);
  return linear(net, "fc", x, {.out = o.classes});
}

int blocks_of(const char* name, const ResnetOptions& o) {
  FANIN_CHECK(o.width >= 1 && o.width <= 1024, usage, "{}: width {}; give 1 to 1024", name, o.width);
  return repetitions(name, o.depth, o.bottleneck ? 9 : 6, 2);
}

ResnetOptions read(ModelSpec& spec, const char* block) {
  ResnetOptions o;
  read_common(spec, o);
  o.depth = spec.numbers[0];
  o.width = spec.options.integer("width", o.width, 1, 1024);
  o.bottleneck = spec.options.word("block", block, {"basic", "bottleneck"}) == "bottleneck";
  o.residual = read_residual(spec, o);
  return o;
}

}  // namespace

Node resnet(Network& net, const ResnetOptions& o) {
  const int blocks = blocks_of("resnet", o);
  Node x = conv(net, "conv1", net.input(), conv3x3(o.width));
  x = act(net, "act1", shifted(net, "bias1", norm(net, "bn1", x, o), o.residual), o);
  return classifier(net, stages(net, x, original_block, blocks, o), o);
}

Node preresnet(Network& net, const ResnetOptions& o) {
  const int blocks = blocks_of("preresnet", o);
  Node x = conv(net, "conv1", net.input(), conv3x3(o.width));
  x = stages(net, x, pre_activation_block, blocks, o);
  return classifier(net, act(net, "act", shifted(net, "bias_act", norm(net, "bn", x, o), o.residual), o), o);
}

Node resnet(Network& net, ModelSpec& spec) {
  ResnetOptions o = read(spec, "basic");
  o.shortcut = read_shortcut(spec, o.bottleneck ? Shortcut::b : Shortcut::a);
  spec.options.finish();
  return resnet(net, o);
}

Node preresnet(Network& net, ModelSpec& spec) {
  const ResnetOptions o = read(spec, "bottleneck");
  spec.options.finish();
  return preresnet(net, o);
}

}  // namespace fanin
