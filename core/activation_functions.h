// The activation functions as plain functions of one number: float in layers, double in gains and predictions. Their
// only definition.
// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <string_view>

namespace fanin::activation_functions {

template <class T>
T relu(T x) {
  return x > T(0) ? x : T(0);
}

template <class T>
T leaky_relu(T x, T slope = T(0.01)) {
  return x > T(0) ? x : slope * x;
}

template <class T>
T sigmoid(T x) {
  return T(1) / (T(1) + std::exp(-x));
}

template <class T>
T softsign(T x) {
  return x / (T(1) + std::fabs(x));
}

template <class T>
T softplus(T x) {  // log(1 + e^x), written so that neither end overflows
  return (x > T(0) ? x : T(0)) + std::log1p(std::exp(-std::fabs(x)));
}

template <class T>
T elu(T x) {  // Clevert et al. 2016, alpha = 1
  return x > T(0) ? x : std::expm1(x);
}

inline constexpr double kSeluLambda = 1.0507009873554804934, kSeluAlpha = 1.6732632423543772848;

template <class T>
T selu(T x) {  // Klambauer et al. 2017
  return T(kSeluLambda) * (x > T(0) ? x : T(kSeluAlpha) * std::expm1(x));
}

template <class T>
T gelu(T x) {  // x Phi(x), Hendrycks & Gimpel 2016
  return T(0.5) * x * std::erfc(-x * T(0.70710678118654752440));
}

template <class T>
T silu(T x) {
  return x * sigmoid(x);
}

// By the names of layers/activation.h; null for an unknown one.
using Function = double (*)(double);
inline Function by_name(std::string_view name) {
  if (name == "identity" || name == "linear") return [](double x) { return x; };
  if (name == "relu") return relu<double>;
  if (name == "leaky_relu") return [](double x) { return leaky_relu(x); };
  if (name == "tanh") return [](double x) { return std::tanh(x); };
  if (name == "sigmoid") return sigmoid<double>;
  if (name == "softsign") return softsign<double>;
  if (name == "softplus") return softplus<double>;
  if (name == "elu") return elu<double>;
  if (name == "selu") return selu<double>;
  if (name == "gelu") return gelu<double>;
  if (name == "silu") return silu<double>;
  return nullptr;
}

// f'(x), for predictions; layers take theirs from whichever of x and y they keep. At a kink (x = 0) the left derivative.
inline double silu_derivative(double x) {
  const double s = sigmoid(x);
  return s * (1.0 + x * (1.0 - s));
}
inline double gelu_derivative(double x) {
  constexpr double root_half = 0.70710678118654752440, root_half_over_pi = 0.39894228040143267794;
  return 0.5 * std::erfc(-x * root_half) + x * root_half_over_pi * std::exp(-0.5 * x * x);
}
inline Function derivative_by_name(std::string_view name) {
  if (name == "identity" || name == "linear") return [](double) { return 1.0; };
  if (name == "relu") return [](double x) { return x > 0.0 ? 1.0 : 0.0; };
  if (name == "leaky_relu") return [](double x) { return x > 0.0 ? 1.0 : 0.01; };
  if (name == "tanh") return [](double x) { return 1.0 - std::tanh(x) * std::tanh(x); };
  if (name == "sigmoid") return [](double x) { return sigmoid(x) * (1.0 - sigmoid(x)); };
  if (name == "softsign") return [](double x) { return 1.0 / ((1.0 + std::fabs(x)) * (1.0 + std::fabs(x))); };
  if (name == "softplus") return sigmoid<double>;
  if (name == "elu") return [](double x) { return x > 0.0 ? 1.0 : std::exp(x); };
  if (name == "selu") return [](double x) { return kSeluLambda * (x > 0.0 ? 1.0 : kSeluAlpha * std::exp(x)); };
  if (name == "gelu") return gelu_derivative;
  if (name == "silu") return silu_derivative;
  return nullptr;
}

}  // namespace fanin::activation_functions
