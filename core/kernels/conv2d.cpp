// SPDX-License-Identifier: MIT
#include "core/kernels/conv2d.h"

#include "core/check.h"
#include "core/kernels/conv_candidate.h"
#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

#include <cstdlib>
#include <string>

namespace fanin {

namespace {

// The first that fits wins. `gemm` fits everything; a 1x1 convolution is a matrix product, which Eigen does without
// packing an image.
const ConvCandidate* const candidates[] = {&conv_direct, &conv_gemm};

const ConvCandidate* forced() {
  static const ConvCandidate* const choice = []() -> const ConvCandidate* {
    const char* name = std::getenv("FANIN_CONV");
    if (name == nullptr || *name == '\0') return nullptr;
    std::string known;
    for (const ConvCandidate* c : candidates) {
      if (std::string(name) == c->name) return c;
      known += std::string(known.empty() ? "" : ", ") + c->name;
    }
    fail(ErrorKind::usage, "FANIN_CONV={}: no such convolution; choose from {}", name, known);
  }();
  return choice;
}

const ConvCandidate& choose(const Conv2d& conv, const Shape& x, ConvProduct product) {
  const ConvCandidate* first = forced();
  if (first != nullptr && first->fits(conv, x, product)) return *first;
  for (const ConvCandidate* c : candidates)
    if (c->fits(conv, x, product)) return *c;
  return conv_gemm;
}

}  // namespace

std::string_view conv2d_choice(const Conv2d& conv, const Shape& x, ConvProduct product) {
  return choose(conv, x, product).name;
}

std::size_t conv2d_scratch(const Conv2d& conv, const Shape& x) {
  std::size_t floats = 0;
  for (const ConvProduct p : {ConvProduct::forward, ConvProduct::backward_input, ConvProduct::backward_weights})
    floats = std::max(floats, choose(conv, x, p).scratch(conv, x, thread_count()));
  return floats;
}

void conv2d_forward(const Conv2d& conv, ConstView x, const float* w, View y, std::span<float> scratch) {
  choose(conv, x.shape, ConvProduct::forward).forward(conv, x, w, y, scratch);
}

void conv2d_backward_input(const Conv2d& conv, ConstView dy, const float* w, View dx, Write write,
                           std::span<float> scratch) {
  choose(conv, dx.shape, ConvProduct::backward_input).backward_input(conv, dy, w, dx, write, scratch);
}

void conv2d_backward_weights(const Conv2d& conv, ConstView x, ConstView dy, float* dw, std::span<float> scratch) {
  choose(conv, x.shape, ConvProduct::backward_weights).backward_weights(conv, x, dy, dw, scratch);
}

void add_chunks(const float* partial, int chunks, std::size_t size, float* dw) {
  constexpr std::size_t kBlock = 4096;
  parallel_for(static_cast<int>((size + kBlock - 1) / kBlock), [&](int block) {
    const std::size_t begin = static_cast<std::size_t>(block) * kBlock;
    const Eigen::Index count = static_cast<Eigen::Index>(std::min(kBlock, size - begin));
    for (int chunk = 0; chunk < chunks; ++chunk)
      VectorMap(dw + begin, count) += ConstVectorMap(partial + static_cast<std::size_t>(chunk) * size + begin, count);
  });
}

}  // namespace fanin
