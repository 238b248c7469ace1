// SPDX-License-Identifier: MIT
#include "models/convmixer.h"

#include "core/check.h"
#include "layers/conv.h"
#include "layers/linear.h"
#include "layers/pool.h"

#include <string>

namespace fanin {

namespace {

// Nodes first, first + 1 and first + 2 of the scope: convolution, activation, norm.
Node mix(Network& net, int first, Node x, const ConvOptions& conv_options, const ConvmixerOptions& o) {
  const Node y = conv(net, std::to_string(first), x, conv_options);
  return norm(net, std::to_string(first + 2), act(net, std::to_string(first + 1), y, o), o);
}

Node block(Network& net, Node x, const ConvmixerOptions& o) {
  {
    const Network::Scope residual = net.scope("0");
    Node y = x;
    {
      const Network::Scope fn = net.scope("fn");
      y = mix(net, 0, x, {.out_channels = o.width, .kernel = o.kernel, .groups = o.width, .bias = true}, o);
    }
    x = net.sum("sum", y, x);
  }
  return mix(net, 1, x, {.out_channels = o.width, .kernel = 1, .bias = true}, o);
}

}  // namespace

Node convmixer(Network& net, const ConvmixerOptions& o) {
  FANIN_CHECK(o.depth >= 1 && o.depth <= 10000, usage, "convmixer: depth {}; give 1 to 10000 blocks", o.depth);
  FANIN_CHECK(o.width >= 1 && o.width <= 65536, usage, "convmixer: {} channels; give 1 to 65536", o.width);
  FANIN_CHECK(o.kernel % 2 == 1, usage,
              "convmixer: kernel {}; give an odd one, such as {}, which keeps the size of the image", o.kernel,
              o.kernel + 1);
  Node x = net.input();
  {
    const Network::Scope stem = net.scope("stem");
    x = mix(net, 0, x, {.out_channels = o.width, .kernel = o.patch, .stride = o.patch, .padding = 0, .bias = true}, o);
  }
  {
    const Network::Scope blocks = net.scope("blocks");
    for (int b = 0; b < o.depth; ++b) {
      const Network::Scope scope = net.scope(std::to_string(b));
      x = block(net, x, o);
    }
  }
  return linear(net, "head", global_average_pool(net, "pooling", x), {.out = o.classes});
}

Node convmixer(Network& net, ModelSpec& spec) {
  ConvmixerOptions o;
  o.act = "gelu";
  read_common(spec, o);
  o.depth = spec.numbers[0];
  o.width = spec.numbers[1];
  o.kernel = spec.options.integer("kernel", o.kernel, 1, 1023);
  o.patch = spec.options.integer("patch", o.patch, 1, 1024);
  spec.options.finish();
  return convmixer(net, o);
}

}  // namespace fanin
