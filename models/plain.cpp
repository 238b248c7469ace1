// SPDX-License-Identifier: MIT
#include "models/plain.h"

#include "core/check.h"
#include "layers/conv.h"
#include "layers/linear.h"
#include "layers/pool.h"

#include <fmt/format.h>

namespace fanin {

Node plain_cnn(Network& net, const PlainOptions& o) {
  FANIN_CHECK(o.depth >= 4 && o.depth <= 10000, usage,
              "plain: depth {}; give 4 to 10000 (three stages and the classifier)", o.depth);
  FANIN_CHECK(o.width >= 1 && o.width <= 4096, usage, "plain: width {}; give 1 to 4096", o.width);
  const int convs = o.depth - 1;
  Node x = net.input();
  for (int i = 0; i < convs; ++i) {
    const int stage = i * o.stages / convs;
    const bool first_of_stage = i > 0 && stage != (i - 1) * o.stages / convs;
    const ConvOptions options{
        .out_channels = o.width << stage, .kernel = 3, .stride = first_of_stage ? 2 : 1, .bias = !o.norm};
    x = norm(net, fmt::format("bn{}", i), conv(net, fmt::format("conv{}", i), x, options), o);
    x = act(net, fmt::format("act{}", i), x, o);
  }
  return linear(net, "fc", global_average_pool(net, "pool", x), {.out = o.classes});
}

Node mlp(Network& net, const PlainOptions& o) {
  FANIN_CHECK(o.depth >= 1 && o.depth <= 10000, usage, "mlp: depth {}; give 1 to 10000 hidden layers", o.depth);
  FANIN_CHECK(o.width >= 1 && o.width <= 65536, usage, "mlp: width {}; give 1 to 65536", o.width);
  Node x = flatten(net, "flatten", net.input());
  for (int i = 0; i < o.depth; ++i) {
    x = linear(net, fmt::format("fc{}", i), x, {.out = o.width, .bias = !o.norm});
    x = act(net, fmt::format("act{}", i), norm(net, fmt::format("bn{}", i), x, o), o);
  }
  return linear(net, "fc", x, {.out = o.classes});
}

namespace {

PlainOptions read(ModelSpec& spec) {
  PlainOptions o;
  o.norm = false;
  read_common(spec, o);
  o.depth = spec.numbers[0];
  o.width = spec.numbers[1];
  return o;
}

}  // namespace

Node plain_cnn(Network& net, ModelSpec& spec) {
  PlainOptions o = read(spec);
  o.stages = spec.options.integer("stages", o.stages, 1, 3);
  spec.options.finish();
  return plain_cnn(net, o);
}

Node mlp(Network& net, ModelSpec& spec) {
  const PlainOptions o = read(spec);
  spec.options.finish();
  return mlp(net, o);
}

}  // namespace fanin
