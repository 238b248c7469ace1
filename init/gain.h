// The gain of a nonlinearity: the factor on the weights' standard deviation that keeps a signal's size through it.
// Two answers, both offered:
//   torch_gain   the table of torch.nn.init.calculate_gain, quirks included: sigmoid has 1, selu 3/4 (empirical),
//                tanh 5/3; leaky_relu without a slope takes 0.01, while kaiming_* passes slope 0 and so gets sqrt(2)
//   exact_gain   1 / sqrt(E f(z)^2) for z ~ N(0, 1), by quadrature: for any activation. It keeps the second moment at
//                1 in one step; for relu and leaky_relu both answers agree
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanin {

// Throws ErrorKind::usage for a name that PyTorch's table has not, which includes gelu, elu, silu and identity.
double torch_gain(std::string_view nonlinearity, std::optional<double> slope = std::nullopt);
const std::vector<std::string>& torch_gain_names();

// `slope` is that of leaky_relu. Throws ErrorKind::usage for an unknown activation.
double exact_gain(std::string_view activation, double slope = 0.01);
const std::vector<std::string>& exact_gain_names();

}  // namespace fanin
