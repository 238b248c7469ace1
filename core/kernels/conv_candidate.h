// What a rung of the ladder offers. Every rung defines `fits` beside its code, naming each assumption it makes. Whether
// it fits must not depend on the number of images: the last batch of an epoch has fewer.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv2d.h"

#include <string>

namespace fanin {

struct ConvCandidate {
  const char* name;
  bool (*fits)(const Conv2d&, const Shape& x, ConvProduct);
  std::string (*tile)(const Conv2d&, const Shape& x, ConvProduct);  // what it works on at a time, for people
  // Floats that the product needs; never fewer for more images.
  std::size_t (*scratch)(const Conv2d&, const Shape& x, ConvProduct, int threads);
  void (*forward)(const Conv2d&, ConstView x, const InputTransform&, const float* w, View y, const ForwardEpilogue&,
                  std::span<float> scratch);
  void (*backward_input)(const Conv2d&, ConstView dy, const float* w, View dx, Write, const BackwardEpilogue&,
                         std::span<float> scratch);
  void (*backward_weights)(const Conv2d&, ConstView x, const InputTransform&, ConstView dy, float* dw,
                           std::span<float> scratch);
  // Both gradients from one load, where the rung has that: its scratch, and the product. May be null.
  std::size_t (*backward_scratch)(const Conv2d&, const Shape& x, int threads) = nullptr;
  void (*backward)(const Conv2d&, ConstView x, const InputTransform&, const Gradient& dy, const float* w, View dx,
                   Write, const BackwardEpilogue&, float* dw, std::span<float> scratch) = nullptr;
  bool loads_gradient = false;                // backward reads any Gradient; otherwise only stored ones
  bool joins_input = false;                   // forward and backward write x if it is Joined
  bool (*pays)(const Conv2d&) = nullptr;      // whether backward is faster than the two products; null: always
  bool (*admitted)(ConvPrecision) = nullptr;  // with which it is a candidate; null: with all
  const char* when = "";                      // the same, for people
};

// In order of preference: the first that fits and that the ConvPrecision admits runs.
std::span<const ConvCandidate* const> conv_candidates();
const ConvCandidate& conv2d_candidate(const Conv2d&, const Shape& x, ConvProduct);  // the one that runs
// The one that takes both gradients in one call, or null if each product is on its own.
const ConvCandidate* conv2d_joint_candidate(const Conv2d&, const Shape& x);

extern const ConvCandidate conv_gemm, conv_direct, conv_pointwise, conv_strassen, conv_depthwise, conv_grouped,
    conv_winograd2, conv_winograd4, conv_strided2, conv_amx;

// Weight gradients are summed over this many private copies at most, each over a fixed range of the work, added in
// order.
constexpr int kWeightGradientChunks = 8;

// dw[i] += sum over chunks of partial[chunk * size + i], in chunk order.
void add_chunks(const float* partial, int chunks, std::size_t size, float* dw);

// The floats of a product's scratch, handed out in cache lines.
class Scratch {
 public:
  explicit Scratch(std::span<float> floats) : rest_(floats) {}
  static std::size_t rounded(std::size_t floats) { return (floats + 15) / 16 * 16; }
  float* take(std::size_t floats) {
    float* const first = rest_.data();
    rest_ = rest_.subspan(rounded(floats));
    return first;
  }

 private:
  std::span<float> rest_;
};

}  // namespace fanin
