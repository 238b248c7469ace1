// The seam between layers and fast code: one struct and three products. Behind it stands a list of candidates
// (conv2d.cpp); all of them are tested against the definition in reference.h. Weights are HWIO, groups own consecutive
// output channels.
//   forward           y[n,h,w,o]  = sum_{i,j,c} x[n, h*stride - padding + i, w*stride - padding + j, c] * w[i,j,c,o]
//   backward_input    dx         (+)= dy convolved with the flipped weights
//   backward_weights  dw          += x correlated with dy, over all images and pixels
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
};

// `scratch` needs conv2d_scratch(conv, x) floats, for images up to those of x and the current thread_count().
void conv2d_forward(const Conv2d&, ConstView x, const float* w, View y, std::span<float> scratch);
void conv2d_backward_input(const Conv2d&, ConstView dy, const float* w, View dx, Write, std::span<float> scratch);
void conv2d_backward_weights(const Conv2d&, ConstView x, ConstView dy, float* dw, std::span<float> scratch);
std::size_t conv2d_scratch(const Conv2d&, const Shape& x);

enum class ConvProduct { forward, backward_input, backward_weights };
// Which candidate runs: "reference", "gemm", ... FANIN_CONV=<name> in the environment forces one that fits.
std::string_view conv2d_choice(const Conv2d&, const Shape& x, ConvProduct);

}  // namespace fanin
