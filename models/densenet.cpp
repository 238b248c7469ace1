// SPDX-License-Identifier: MIT
#include "models/densenet.h"

#include "core/check.h"
#include "layers/conv.h"
#include "layers/linear.h"
#include "layers/pool.h"

#include <fmt/format.h>

namespace fanin {

namespace {

Node dense_layer(Network& net, Node x, const DensenetOptions& o) {
  Node y = act(net, "act1", norm(net, "bn1", x, o), o);
  if (o.bottleneck) {
    y = conv(net, "conv1", y, {.out_channels = 4 * o.growth, .kernel = 1});
    y = act(net, "act2", norm(net, "bn2", y, o), o);
    y = conv(net, "conv2", y, {.out_channels = o.growth, .kernel = 3});
  } else {
    y = conv(net, "conv1", y, {.out_channels = o.growth, .kernel = 3});
  }
  return net.concat("concat", x, y);
}

Node transition(Network& net, Node x, const DensenetOptions& o) {
  const int out = static_cast<int>(x.channels() * o.reduction);
  FANIN_CHECK(out >= 1, usage, "densenet: reduction {} leaves no channel of {}; use a larger one", o.reduction,
              x.channels());
  Node y = act(net, "act1", norm(net, "bn1", x, o), o);
  y = conv(net, "conv1", y, {.out_channels = out, .kernel = 1});
  return average_pool(net, "pool", y, {.kernel = 2});
}

}  // namespace

Node densenet(Network& net, const DensenetOptions& o) {
  const char* const name = o.bottleneck ? "densenet-bc" : "densenet";
  const int layers = repetitions(name, o.depth, o.bottleneck ? 6 : 3, 4);
  FANIN_CHECK(o.growth >= 1 && o.growth <= 1024, usage, "{}: growth {}; give 1 to 1024", name, o.growth);
  FANIN_CHECK(o.reduction > 0.0 && o.reduction <= 1.0, usage, "{}: reduction {}; it must be above 0 and at most 1",
              name, o.reduction);
  Node x = conv(net, "conv1", net.input(), {.out_channels = 2 * o.growth, .kernel = 3});
  for (int b = 1; b <= 3; ++b) {
    for (int i = 0; i < layers; ++i) {
      const Network::Scope scope = net.scope(fmt::format("dense{}.{}", b, i));
      x = dense_layer(net, x, o);
    }
    if (b == 3) break;
    const Network::Scope scope = net.scope(fmt::format("trans{}", b));
    x = transition(net, x, o);
  }
  x = act(net, "act1", norm(net, "bn1", x, o), o);
  return linear(net, "fc", global_average_pool(net, "pool", x), {.out = o.classes});
}

namespace {

Node read_and_build(Network& net, ModelSpec& spec, bool bottleneck) {
  DensenetOptions o;
  read_common(spec, o);
  o.depth = spec.numbers[0];
  o.growth = spec.numbers[1];
  o.bottleneck = bottleneck;
  o.reduction = spec.options.number("reduction", bottleneck ? 0.5 : 1.0);
  spec.options.finish();
  return densenet(net, o);
}

}  // namespace

Node densenet(Network& net, ModelSpec& spec) { return read_and_build(net, spec, false); }
Node densenet_bc(Network& net, ModelSpec& spec) { return read_and_build(net, spec, true); }

}  // namespace fanin
