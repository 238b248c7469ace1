// SPDX-License-Identifier: MIT
#include "models/options.h"

#include "layers/activation.h"
#include "layers/batch_norm.h"

namespace fanin {

Node norm(Network& net, const std::string& name, Node x, const ModelOptions& options) {
  return options.norm ? batch_norm(net, name, x) : x;
}

Node act(Network& net, const std::string& name, Node x, const ModelOptions& options) {
  return activation(net, name, options.act, x);
}

}  // namespace fanin
