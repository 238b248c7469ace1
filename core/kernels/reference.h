// The definition of every computation, as plain loops over any scalar type: the slow twin that tests hold fast code to.
// With T = std::complex<double> the imaginary part carries an exact derivative: f'(x) = imag f(x + ih) / h for h =
// 1e-30, without cancellation (Squire & Trapp 1998). Tensors are contiguous NHWC, weights HWIO. Comparisons and
// absolute values go by the real part.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv2d.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <string_view>
#include <vector>

namespace fanin::reference {

inline double real(double x) { return x; }
inline double real(const std::complex<double>& x) { return x.real(); }

// std::erf for a real number plus an infinitesimal imaginary part.
inline double erf(double x) { return std::erf(x); }
inline std::complex<double> erf(const std::complex<double>& z) {
  constexpr double kTwoOverRootPi = 1.12837916709551257390;
  return {std::erf(z.real()), z.imag() * kTwoOverRootPi * std::exp(-z.real() * z.real())};
}

inline std::size_t at(const Shape& s, int n, int h, int w, int c) {
  return ((static_cast<std::size_t>(n) * static_cast<std::size_t>(s.height) + static_cast<std::size_t>(h)) *
              static_cast<std::size_t>(s.width) +
          static_cast<std::size_t>(w)) *
             static_cast<std::size_t>(s.channels) +
         static_cast<std::size_t>(c);
}

template <class T>
std::vector<T> conv2d(const Conv2d& conv, const Shape& x_shape, const std::vector<T>& x, const std::vector<T>& w) {
  const Shape y_shape = conv.output_shape(x_shape);
  std::vector<T> y(y_shape.size(), T(0));
  const int in = conv.in_channels / conv.groups, out = conv.out_channels / conv.groups;
  for (int n = 0; n < y_shape.images; ++n)
    for (int h = 0; h < y_shape.height; ++h)
      for (int v = 0; v < y_shape.width; ++v)
        for (int o = 0; o < conv.out_channels; ++o)
          for (int i = 0; i < conv.kernel; ++i)
            for (int j = 0; j < conv.kernel; ++j) {
              const int xh = h * conv.stride - conv.padding + i, xv = v * conv.stride - conv.padding + j;
              if (xh < 0 || xh >= x_shape.height || xv < 0 || xv >= x_shape.width) continue;
              for (int c = 0; c < in; ++c)
                y[at(y_shape, n, h, v, o)] +=
                    x[at(x_shape, n, xh, xv, o / out * in + c)] *
                    w[static_cast<std::size_t>(((i * conv.kernel + j) * in + c) * conv.out_channels + o)];
            }
  return y;
}

// Adds b[c] to every pixel, or a single b[0] to everything.
template <class T>
std::vector<T> add_bias(std::vector<T> y, const std::vector<T>& b) {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += b[i % b.size()];
  return y;
}

template <class T>
std::vector<T> batch_norm(const Shape& s, const std::vector<T>& x, const std::vector<T>& scale,
                          const std::vector<T>& shift, double epsilon) {
  std::vector<T> y(x.size());
  const std::size_t channels = static_cast<std::size_t>(s.channels);
  for (std::size_t c = 0; c < channels; ++c) {
    T mean(0), variance(0);
    for (std::size_t i = c; i < x.size(); i += channels) mean += x[i];
    mean /= static_cast<double>(s.pixels());
    for (std::size_t i = c; i < x.size(); i += channels) variance += (x[i] - mean) * (x[i] - mean);
    variance /= static_cast<double>(s.pixels());
    for (std::size_t i = c; i < x.size(); i += channels)
      y[i] = scale[c] * (x[i] - mean) / std::sqrt(variance + epsilon) + shift[c];
  }
  return y;
}

template <class T>
T activation(std::string_view kind, const T& x) {
  const bool positive = real(x) > 0.0;
  const T absolute = positive ? x : -x;
  if (kind == "relu") return positive ? x : T(0);
  if (kind == "leaky_relu") return positive ? x : T(static_cast<double>(0.01f)) * x;
  if (kind == "tanh") return std::tanh(x);
  if (kind == "sigmoid") return T(1) / (T(1) + std::exp(-x));
  if (kind == "softsign") return x / (T(1) + absolute);
  if (kind == "softplus") return std::log(T(1) + std::exp(x));
  if (kind == "elu") return positive ? x : std::exp(x) - T(1);
  if (kind == "selu")
    return T(1.0507009873554804934) * (positive ? x : T(1.6732632423543772848) * (std::exp(x) - T(1)));
  if (kind == "gelu") return T(0.5) * x * (T(1) + erf(x * T(0.70710678118654752440)));
  if (kind == "silu") return x / (T(1) + std::exp(-x));
  return x;
}

enum class Pool { average, maximum };

template <class T>
std::vector<T> pool(Pool kind, const Shape& x_shape, const Shape& y_shape, int kernel, int stride,
                    const std::vector<T>& x) {
  std::vector<T> y(y_shape.size(), T(0));
  for (int n = 0; n < y_shape.images; ++n)
    for (int h = 0; h < y_shape.height; ++h)
      for (int w = 0; w < y_shape.width; ++w)
        for (int c = 0; c < y_shape.channels; ++c) {
          // A window that hangs over the edge has only the pixels that exist.
          const int rows = std::min(kernel, x_shape.height - h * stride);
          const int columns = std::min(kernel, x_shape.width - w * stride);
          T& result = y[at(y_shape, n, h, w, c)];
          for (int i = 0; i < rows; ++i)
            for (int j = 0; j < columns; ++j) {
              const T value = x[at(x_shape, n, h * stride + i, w * stride + j, c)];
              if (kind == Pool::average)
                result += value / static_cast<double>(rows * columns);
              else if ((i == 0 && j == 0) || real(value) > real(result))
                result = value;
            }
        }
  return y;
}

// Mean over the rows of -sum_k target_k log softmax(logits)_k, target = (1 - smoothing) [k == label] + smoothing / K.
template <class T>
T cross_entropy(const std::vector<T>& logits, const std::vector<int>& labels, double smoothing) {
  const std::size_t images = labels.size(), classes = logits.size() / images;
  T loss(0);
  for (std::size_t n = 0; n < images; ++n) {
    T sum(0);
    for (std::size_t k = 0; k < classes; ++k) sum += std::exp(logits[n * classes + k]);
    for (std::size_t k = 0; k < classes; ++k) {
      const double target =
          smoothing / static_cast<double>(classes) + (static_cast<int>(k) == labels[n] ? 1.0 - smoothing : 0.0);
      loss -= target * (logits[n * classes + k] - std::log(sum));
    }
  }
  return loss / static_cast<double>(images);
}

}  // namespace fanin::reference
