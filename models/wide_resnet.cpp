// SPDX-License-Identifier: MIT
#include "models/wide_resnet.h"

#include "core/check.h"
#include "layers/conv.h"
#include "layers/dropout.h"
#include "layers/linear.h"
#include "layers/pool.h"
#include "models/residual.h"

#include <fmt/format.h>

namespace fanin {

namespace {

Node block(Network& net, Node x, int width, int stride, const WideResnetOptions& o) {
  const bool same = x.channels() == width && stride == 1;
  const ResidualForm form = o.residual;
  const Node a = act(net, "act0", shifted(net, "bias0a", norm(net, "bn0", x, o), form), o);
  Node y = conv(net, "conv0", shifted(net, "bias0b", a, form),
                {.out_channels = width, .kernel = 3, .stride = stride, .bias = branch_biases(form)});
  y = act(net, "act1", shifted(net, "bias1a", norm(net, "bn1", y, o), form), o);
  if (o.dropout > 0.0f) y = dropout(net, "dropout", y, o.dropout);
  y = conv(net, "conv1", shifted(net, "bias1b", y, form),
           {.out_channels = width, .kernel = 3, .bias = branch_biases(form)});
  y = branch_end(net, y, form);
  return net.sum(
      "sum", y,
      same ? x : conv(net, "convdim", a, {.out_channels = width, .kernel = 1, .stride = stride, .padding = 0}));
}

}  // namespace

Node wide_resnet(Network& net, const WideResnetOptions& o) {
  const int blocks = repetitions("wrn", o.depth, 6, 4);
  FANIN_CHECK(o.dropout >= 0.0f && o.dropout < 1.0f, usage, "wrn: dropout {}; give at least 0 and below 1", o.dropout);
  FANIN_CHECK(o.widen >= 1 && o.widen <= 1024, usage, "wrn: widen factor {}; give 1 to 1024", o.widen);
  Node x = conv(net, "conv0", net.input(), {.out_channels = 16, .kernel = 3});
  for (int g = 0; g < 3; ++g) {
    const Network::Scope group = net.scope(fmt::format("group{}", g));
    for (int b = 0; b < blocks; ++b) {
      const Network::Scope scope = net.scope(fmt::format("block{}", b));
      x = block(net, x, (16 << g) * o.widen, g > 0 && b == 0 ? 2 : 1, o);
    }
  }
  x = act(net, "act", shifted(net, "bias_act", norm(net, "bn", x, o), o.residual), o);
  x = shifted(net, "bias_fc", global_average_pool(net, "pool", x), o.residual);
  return linear(net, "fc", x, {.out = o.classes});
}

Node wide_resnet(Network& net, ModelSpec& spec) {
  WideResnetOptions o;
  read_common(spec, o);
  o.depth = spec.numbers[0];
  o.widen = spec.numbers[1];
  o.dropout = static_cast<float>(spec.options.number("dropout", 0.0));
  o.residual = read_residual(spec, o);
  spec.options.finish();
  return wide_resnet(net, o);
}

}  // namespace fanin
