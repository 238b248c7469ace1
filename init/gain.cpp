// SPDX-License-Identifier: MIT
#include "init/gain.h"

#include "core/activation_functions.h"
#include "core/check.h"
#include "core/text.h"

#include <cmath>
#include <numbers>

namespace fanin {

namespace {

double leaky_gain(double slope) { return std::sqrt(2.0 / (1.0 + slope * slope)); }

// E f(z)^2. The trapezoidal rule converges exponentially on Gaussian tails; the kinks of the activations are at 0,
// which is a node, and f^2 is smooth enough there: halving the step changes no digit of interest (a test does it).
template <class Function>
double second_moment(Function&& f, double step) {
  double sum = 0.0;
  for (double z = step; z < 40.0; z += step) {
    const double weight = std::exp(-0.5 * z * z);
    sum += weight * (f(z) * f(z) + f(-z) * f(-z));
  }
  return step * (sum + f(0.0) * f(0.0)) / std::sqrt(2.0 * std::numbers::pi);
}

}  // namespace

const std::vector<std::string>& torch_gain_names() {
  static const std::vector<std::string> names = {
      "linear",           "conv1d",  "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
      "conv_transpose3d", "sigmoid", "tanh",   "relu",   "leaky_relu",       "selu"};
  return names;
}

double torch_gain(std::string_view name, std::optional<double> slope) {
  if (name == "tanh") return 5.0 / 3.0;
  if (name == "relu") return std::numbers::sqrt2;
  if (name == "leaky_relu") return leaky_gain(slope.value_or(0.01));
  if (name == "selu") return 0.75;
  for (const std::string& one : torch_gain_names())
    if (name == one) return 1.0;
  fail(ErrorKind::usage, "torch.nn.init has no gain for nonlinearity '{}'{}", name,
       did_you_mean(name, torch_gain_names()));
}

const std::vector<std::string>& exact_gain_names() {
  static const std::vector<std::string> names = {"linear",   "relu", "leaky_relu", "tanh", "sigmoid", "softsign",
                                                 "softplus", "elu",  "selu",       "gelu", "silu"};
  return names;
}

double exact_gain(std::string_view name, double slope) {
  constexpr double kStep = 1.0 / 256.0;
  if (name == "leaky_relu") return leaky_gain(slope);
  const activation_functions::Function f = activation_functions::by_name(name);
  FANIN_CHECK(f != nullptr, usage, "no gain is known for activation '{}'{}", name,
              did_you_mean(name, exact_gain_names()));
  return 1.0 / std::sqrt(second_moment(f, kStep));
}

}  // namespace fanin
