// SPDX-License-Identifier: MIT
#include "init/gain.h"

#include "core/check.h"
#include "core/text.h"

#include <cmath>

namespace fanin {

const std::vector<std::string>& gain_names() {
  static const std::vector<std::string> names = {"linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"};
  return names;
}

double gain(std::string_view name, double slope) {
  if (name == "linear" || name == "sigmoid") return 1.0;
  if (name == "tanh") return 5.0 / 3.0;
  if (name == "relu") return std::sqrt(2.0);
  if (name == "leaky_relu") return std::sqrt(2.0 / (1.0 + slope * slope));
  if (name == "selu") return 0.75;
  fail(ErrorKind::usage, "no gain is known for nonlinearity '{}'{}", name, did_you_mean(name, gain_names()));
}

}  // namespace fanin
