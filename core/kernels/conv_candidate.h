// What a rung of the ladder offers. Every rung defines `fits` beside its code, naming each assumption it makes.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv2d.h"

namespace fanin {

struct ConvCandidate {
  const char* name;
  bool (*fits)(const Conv2d&, const Shape& x, ConvProduct);
  std::size_t (*scratch)(const Conv2d&, const Shape& x, int threads);  // floats that any of the three products needs
  void (*forward)(const Conv2d&, ConstView x, const float* w, View y, std::span<float> scratch);
  void (*backward_input)(const Conv2d&, ConstView dy, const float* w, View dx, Write, std::span<float> scratch);
  void (*backward_weights)(const Conv2d&, ConstView x, ConstView dy, float* dw, std::span<float> scratch);
};

extern const ConvCandidate conv_gemm, conv_direct;

// Weight gradients are summed over this many private copies at most, each over a fixed range of the work, added in
// order.
constexpr int kWeightGradientChunks = 8;

// dw[i] += sum over chunks of partial[chunk * size + i], in chunk order.
void add_chunks(const float* partial, int chunks, std::size_t size, float* dw);

}  // namespace fanin
