// SPDX-License-Identifier: MIT
#include "core/kernels/conv2d.h"

#include "core/check.h"
#include "core/kernels/conv_candidate.h"
#include "core/kernels/transform.h"
#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

#include <algorithm>
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

// The generic way to the transform and the epilogues: groups of images small enough for the cache pass through a
// transformed copy, and what comes after is a pass over the group.
namespace {

int images_per_group(const Shape& x) {
  constexpr std::size_t kFloats = 1 << 18;
  return static_cast<int>(std::clamp<std::size_t>(kFloats / x.with_images(1).size(), 2, 64));
}
std::size_t copy_floats(const Shape& x, const Shape& image) {
  return static_cast<std::size_t>(std::min(images_per_group(x), x.images)) * image.with_images(1).size();
}
View in_scratch(std::span<float> scratch, const Shape& shape) { return {scratch.data(), shape, shape.channels}; }

ConstView transformed(ConstView x, const InputTransform& t, std::span<float> scratch) {
  if (t.identity()) return x;
  const View copy = in_scratch(scratch, x.shape);
  parallel_for(x.shape.images, [&](int n) { transform_image(x.images(n, 1), t, copy.images(n, 1)); });
  return copy;
}

}  // namespace

std::size_t conv2d_scratch(const Conv2d& conv, const Shape& x) {
  std::size_t floats = 0;
  for (const ConvProduct p : {ConvProduct::forward, ConvProduct::backward_input, ConvProduct::backward_weights})
    floats = std::max(floats, choose(conv, x, p).scratch(conv, x, thread_count()));
  return floats + copy_floats(x, x) + copy_floats(x, conv.output_shape(x));
}

void conv2d_forward(const Conv2d& conv, ConstView x, const InputTransform& t, const float* w, View y,
                    const ForwardEpilogue& e, std::span<float> scratch) {
  const ConvCandidate& candidate = choose(conv, x.shape, ConvProduct::forward);
  const bool plain = t.identity() && e.add.data == nullptr && e.moments == nullptr;
  const int group = plain ? x.shape.images : images_per_group(x.shape);
  const std::span<float> x_copy = scratch, y_copy = scratch.subspan(copy_floats(x.shape, x.shape));
  const std::span<float> rest = y_copy.subspan(copy_floats(x.shape, y.shape));
  for (int first = 0; first < x.shape.images; first += group) {
    const int count = std::min(group, x.shape.images - first);
    const View target = y.images(first, count);
    const View product = e.add.data == y.data && !plain ? in_scratch(y_copy, target.shape) : target;
    candidate.forward(conv, transformed(x.images(first, count), t, x_copy), w, product, rest);
    if (plain) return;
    parallel_for(count, [&](int n) {
      if (e.add.data != nullptr)
        as_matrix(target.images(n, 1)) = as_matrix(product.images(n, 1)) + as_matrix(e.add.images(first + n, 1));
      if (e.moments != nullptr)
        image_moments(target.images(n, 1), e.moments + 2 * static_cast<std::ptrdiff_t>(first + n) * y.shape.channels);
    });
  }
}

void conv2d_backward_input(const Conv2d& conv, ConstView dy, const float* w, View dx, Write write,
                           const BackwardEpilogue& e, std::span<float> scratch) {
  const ConvCandidate& candidate = choose(conv, dx.shape, ConvProduct::backward_input);
  const int group = e.x.data == nullptr ? dx.shape.images : images_per_group(dx.shape);
  for (int first = 0; first < dx.shape.images; first += group) {
    const int count = std::min(group, dx.shape.images - first);
    candidate.backward_input(conv, dy.images(first, count), w, dx.images(first, count), write, scratch);
    if (e.x.data != nullptr)
      parallel_for(count, [&](int n) { finish_gradient(dx.images(first + n, 1), first + n, e); });
  }
}

void conv2d_backward_weights(const Conv2d& conv, ConstView x, const InputTransform& t, ConstView dy, float* dw,
                             std::span<float> scratch) {
  const ConvCandidate& candidate = choose(conv, x.shape, ConvProduct::backward_weights);
  const int group = t.identity() ? x.shape.images : images_per_group(x.shape);
  const std::span<float> rest = scratch.subspan(copy_floats(x.shape, x.shape));
  for (int first = 0; first < x.shape.images; first += group) {
    const int count = std::min(group, x.shape.images - first);
    candidate.backward_weights(conv, transformed(x.images(first, count), t, scratch), dy.images(first, count), dw,
                               rest);
  }
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
