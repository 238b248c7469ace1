// The seam between layers and fast code: one struct and three products. Behind it stands a list of candidates
// (conv2d.cpp); all of them are tested against the definition in reference.h. Weights are HWIO, groups own consecutive
// output channels.
//   forward           y[n,h,w,o]  = sum_{i,j,c} v[n, h*stride - padding + i, w*stride - padding + j, c] * w[i,j,c,o]
//   backward_input    dv         (+)= dy convolved with the flipped weights
//   backward_weights  dw          += v correlated with dy, over all images and pixels
// where v is x as the InputTransform reads it (padding is 0 in v, not in x).
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/tensor.h"

#include <span>
#include <string_view>

namespace fanin {

enum class Write { overwrite, add };  // overwriting never reads: the target may hold anything

struct Conv2d {
  int in_channels = 1, out_channels = 1;
  int kernel = 1, stride = 1, padding = 0, groups = 1;

  WeightShape weight_shape() const { return WeightShape::conv(kernel, in_channels, out_channels, groups); }
  Shape output_shape(const Shape& x) const {
    return {x.images, (x.height + 2 * padding - kernel) / stride + 1, (x.width + 2 * padding - kernel) / stride + 1,
            out_channels};
  }
  bool operator==(const Conv2d&) const = default;
};

struct Joined;

// A value that is never stored: v[c] = (x[c] - mean[c]) * factor[c] + shift[c], then max(v, 0) with relu. This is
// BatchNorm and ReLU while a convolution loads. All null and no relu: x as it is.
struct InputTransform {
  const float *mean = nullptr, *factor = nullptr, *shift = nullptr;  // per channel; all or none
  bool relu = false;
  const Joined* joined = nullptr;  // what x is joined from while it is loaded; null: x is there
  bool identity() const { return factor == nullptr && !relu; }
};

// A stored value and how it is read.
struct Operand {
  ConstView x;
  InputTransform transform = {};
};

// A value that is not there yet: max(a + b, 0). Every further operand is added to that, and the maximum taken once
// more: a chain of joins whose other values nobody stores. The convolution that loads it writes it
// (conv2d_joins_input).
inline constexpr std::size_t kMostOperands = 4;
struct Joined {
  View x;  // where it goes
  Operand operands[kMostOperands] = {};
  std::size_t count = 0;
};

// A gradient that is never stored: dy[c] = g[c] * factor[c] - constant[c] - slope[c] * (y[c] - mean[c]), where y is the
// convolution's own output. This is BatchNorm's backward pass while the convolution loads. y.data null: g as it is.
// factor null: 1.
struct Gradient {
  ConstView g;
  ConstView y;                                                                            // of g's shape
  const float *factor = nullptr, *constant = nullptr, *slope = nullptr, *mean = nullptr;  // per channel

  Gradient(ConstView gradient) : g(gradient) {}
  Gradient(View gradient) : g(gradient) {}
  const Shape& shape() const { return g.shape; }
  bool identity() const { return y.data == nullptr; }
};

// What forward does besides, while a result is still in the cache.
struct ForwardEpilogue {
  // y += add, the other operand of a sum; data null: none. Of y's shape; may be y itself, unless it joins.
  ConstView add;
  // [image][2][channel of y]: mean over the image's pixels, sum of squared deviations from it. Null: not wanted.
  float* moments = nullptr;
  // What comes behind the convolution when nobody has to know its statistics: y becomes max(own(y) + other(add), 0).
  bool joins = false;
  InputTransform own = {}, other = {};
};

// What backward_input does besides: dv becomes dv * [v(x) > 0] with relu, and its sums are taken, of which BatchNorm's
// backward pass needs two: [image][2][channel of x]: sum of dv, sum of dv * (x - mean).
// With Write::add, dv is what was there and the product. scaled: dv is the product alone, and what is written or added
// is factor * dv, the gradient by x but for the part that comes from the movement of BatchNorm's moments.
// `others`: the same sums, taken with the difference between another value and its mean.
struct GradientSums {
  ConstView x;  // data null: none
  const float* mean = nullptr;
  float* sums = nullptr;
};
struct BackwardEpilogue {
  ConstView x;  // data null: nothing to do
  InputTransform transform;
  float* sums = nullptr;  // may be null
  bool scaled = false;
  GradientSums others[2] = {};
};

// `scratch` needs conv2d_scratch(conv, x) floats, for images up to those of x and the current thread_count().
void conv2d_forward(const Conv2d&, ConstView x, const InputTransform&, const float* w, View y, const ForwardEpilogue&,
                    std::span<float> scratch);
void conv2d_backward_input(const Conv2d&, ConstView dy, const float* w, View dx, Write, const BackwardEpilogue&,
                           std::span<float> scratch);
void conv2d_backward_weights(const Conv2d&, ConstView x, const InputTransform&, ConstView dy, float* dw,
                             std::span<float> scratch);
// Both products of the backward pass: weight gradients, and dv unless dx.data is null. A rung may take both from one
// load. epilogue.x is null or x. dy needs to be stored unless dx is wanted and conv2d_loads_gradient.
void conv2d_backward(const Conv2d&, ConstView x, const InputTransform&, const Gradient& dy, const float* w, View dx,
                     Write, const BackwardEpilogue&, float* dw, std::span<float> scratch);
bool conv2d_loads_gradient(const Conv2d&);
// Whether forward, and backward where dx is wanted, obey InputTransform::joined. The other products never do.
bool conv2d_joins_input(const Conv2d&);
std::size_t conv2d_scratch(const Conv2d&, const Shape& x);
std::size_t conv2d_forward_scratch(const Conv2d&, const Shape& x);  // conv2d_forward needs no more than this

// exact, the default: every sum is as good as a plain sum of its terms. fast: also Winograd F(4x4), whose rounding
// errors are about five times larger, and Strassen's algorithm for 1x1 convolutions, with two to three times. bf16x6:
// as fast, and 1x1 convolutions run on the processor's matrix unit, exact in the same sense (amx.h). bf16x3: the same
// with half the products, of which each is good to 2^-14 only; what PyTorch calls float32_matmul_precision "high". To
// be chosen before networks are prepared; not thread-safe.
enum class ConvPrecision { exact, fast, bf16x6, bf16x3 };
void set_conv_precision(ConvPrecision);    // checks first
void check_conv_precision(ConvPrecision);  // throws ErrorKind::usage where the processor has no such unit
ConvPrecision conv_precision();
ConvPrecision parse_conv_precision(std::string_view name);  // throws ErrorKind::usage for an unknown name
std::string_view name_of(ConvPrecision);
bool has_matrix_unit();  // whether bf16x6 and bf16x3 can be chosen

enum class ConvProduct { forward, backward_input, backward_weights };
// Which candidate runs: "gemm", "direct", ...
std::string_view conv2d_choice(const Conv2d&, const Shape& x, ConvProduct);
// Forces a candidate wherever it fits, as FANIN_CONV=<name> in the environment does; "": none. To be called before
// networks are prepared; not thread-safe. Throws ErrorKind::usage for an unknown name.
void force_conv(std::string_view name);
std::string_view forced_conv();  // "" for none

}  // namespace fanin
