// Activations by name. Each is one row: its value f(x) and its derivative, from the input x or from the output y.
//   identity, relu, leaky_relu (slope 0.01), tanh, sigmoid, softsign, softplus, elu (alpha 1), selu, gelu (with erf),
//   silu
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"

#include <string>
#include <string_view>
#include <vector>

namespace fanin {

// Throws ErrorKind::usage for an unknown kind, listing the known ones. "identity" adds no node.
Node activation(Network& net, const std::string& name, std::string_view kind, Node x);
Node leaky_relu(Network& net, const std::string& name, Node x, float slope = 0.01f);

const std::vector<std::string>& activation_kinds();

}  // namespace fanin
