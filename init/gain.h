// The gain of a nonlinearity: the factor on the weights' standard deviation that keeps a signal's size through it.
// The table of torch.nn.init.calculate_gain, quirks included: sigmoid has 1, selu has 3/4 (empirical), tanh has 5/3.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fanin {

// `slope` is that of leaky_relu's negative side. Throws ErrorKind::usage for an unknown name.
double gain(std::string_view nonlinearity, double slope);

const std::vector<std::string>& gain_names();

}  // namespace fanin
