// SPDX-License-Identifier: MIT
#include "core/kernels/conv2d.h"

#include "core/check.h"
#include "core/kernels/amx.h"
#include "core/kernels/conv_candidate.h"
#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

#include <array>
#include <cstdlib>
#include <string>

namespace fanin {

namespace {

// The first that fits wins; `gemm` fits everything.
const ConvCandidate* const candidates[] = {&conv_amx,     &conv_strassen,  &conv_pointwise, &conv_depthwise,
                                           &conv_grouped, &conv_winograd4, &conv_winograd2, &conv_strided2,
                                           &conv_direct,  &conv_gemm};

constexpr std::string_view precision_names[] = {"exact", "fast", "bf16x6",
                                                "bf16x3"};  // in the order of the enumeration

bool admits(ConvPrecision precision, const ConvCandidate& c) { return c.admitted == nullptr || c.admitted(precision); }

ConvPrecision current_precision = ConvPrecision::exact;

const ConvCandidate* find(std::string_view name, std::string_view whose) {
  if (name.empty()) return nullptr;
  std::string known;
  for (const ConvCandidate* c : candidates) {
    if (name == c->name) return c;
    known += std::string(known.empty() ? "" : ", ") + c->name;
  }
  fail(ErrorKind::usage, "{}{}: no such convolution; choose from {}", whose, name, known);
}

const ConvCandidate*& forced() {
  static const ConvCandidate* choice = [] {
    const char* const name = std::getenv("FANIN_CONV");
    return find(name == nullptr ? "" : name, "FANIN_CONV=");
  }();
  return choice;
}

const ConvCandidate& choose(const Conv2d& conv, const Shape& x, ConvProduct product, ConvPrecision precision) {
  const ConvCandidate* first = forced();
  if (first != nullptr && first->fits(conv, x, product)) return *first;
  for (const ConvCandidate* c : candidates)
    if (admits(precision, *c) && c->fits(conv, x, product)) return *c;
  return conv_gemm;
}

const ConvCandidate& choose(const Conv2d& conv, const Shape& x, ConvProduct product) {
  return choose(conv, x, product, current_precision);
}

// The rung that takes both gradients from one load, or null.
const ConvCandidate* joint(const Conv2d& conv, const Shape& x, ConvPrecision precision = current_precision) {
  const ConvCandidate& input = choose(conv, x, ConvProduct::backward_input, precision);
  const bool same = &input == &choose(conv, x, ConvProduct::backward_weights, precision);
  return same && input.backward != nullptr && (input.pays == nullptr || input.pays(conv)) ? &input : nullptr;
}

}  // namespace

std::span<const ConvCandidate* const> conv_candidates() { return candidates; }
const ConvCandidate& conv2d_candidate(const Conv2d& conv, const Shape& x, ConvProduct product) {
  return choose(conv, x, product);
}
const ConvCandidate* conv2d_joint_candidate(const Conv2d& conv, const Shape& x) { return joint(conv, x); }

void force_conv(std::string_view name) { forced() = find(name, "convolution "); }
std::string_view forced_conv() { return forced() == nullptr ? "" : forced()->name; }

bool has_matrix_unit() { return amx::available(); }

void check_conv_precision(ConvPrecision precision) {
  FANIN_CHECK(
      !admits(precision, conv_amx) || has_matrix_unit(), usage,
      "conv = '{}' needs a processor with AMX for bfloat16 (amx_bf16 in /proc/cpuinfo) and a program compiled on "
      "such a machine; choose exact or fast",
      name_of(precision));
}

void set_conv_precision(ConvPrecision precision) {
  check_conv_precision(precision);
  current_precision = precision;
}
ConvPrecision conv_precision() { return current_precision; }

ConvPrecision parse_conv_precision(std::string_view name) {
  for (std::size_t i = 0; i < std::size(precision_names); ++i)
    if (precision_names[i] == name) return static_cast<ConvPrecision>(i);
  fail(ErrorKind::usage, "conv = '{}'; choose exact, fast, bf16x6 or bf16x3", name);
}
std::string_view name_of(ConvPrecision precision) { return precision_names[static_cast<std::size_t>(precision)]; }

std::string_view conv2d_choice(const Conv2d& conv, const Shape& x, ConvProduct product) {
  return choose(conv, x, product).name;
}

namespace {
// Scratch is the same for exact and fast, so that what a network needs does not depend on a setting that most never touch.
std::array<ConvPrecision, 3> planned_precisions() {
  return {ConvPrecision::exact, ConvPrecision::fast, current_precision};
}

std::size_t scratch_of(const Conv2d& conv, const Shape& x, ConvProduct product) {
  std::size_t floats = 0;
  for (const ConvPrecision precision : planned_precisions())
    floats = std::max(floats, choose(conv, x, product, precision).scratch(conv, x, product, thread_count()));
  return floats;
}
}  // namespace

std::size_t conv2d_forward_scratch(const Conv2d& conv, const Shape& x) {
  return scratch_of(conv, x, ConvProduct::forward);
}

std::size_t conv2d_scratch(const Conv2d& conv, const Shape& x) {
  std::size_t floats = 0;
  for (const ConvProduct p : {ConvProduct::forward, ConvProduct::backward_input, ConvProduct::backward_weights})
    floats = std::max(floats, scratch_of(conv, x, p));
  for (const ConvPrecision precision : planned_precisions())
    if (const ConvCandidate* const both = joint(conv, x, precision); both != nullptr)
      floats = std::max(floats, both->backward_scratch(conv, x, thread_count()));
  return floats;
}

namespace {
void check_input(const Conv2d& conv, const InputTransform& transform, bool joins) {
  FANIN_CHECK(transform.joined == nullptr || (joins && conv2d_joins_input(conv)), shape,
              "convolution {0}x{0} {1} -> {2}: this product needs a stored input", conv.kernel, conv.in_channels,
              conv.out_channels);
}
}  // namespace

void conv2d_forward(const Conv2d& conv, ConstView x, const InputTransform& transform, const float* w, View y,
                    const ForwardEpilogue& epilogue, std::span<float> scratch) {
  check_input(conv, transform, true);
  choose(conv, x.shape, ConvProduct::forward).forward(conv, x, transform, w, y, epilogue, scratch);
}

void conv2d_backward_input(const Conv2d& conv, ConstView dy, const float* w, View dx, Write write,
                           const BackwardEpilogue& epilogue, std::span<float> scratch) {
  choose(conv, dx.shape, ConvProduct::backward_input).backward_input(conv, dy, w, dx, write, epilogue, scratch);
}

void conv2d_backward_weights(const Conv2d& conv, ConstView x, const InputTransform& transform, ConstView dy, float* dw,
                             std::span<float> scratch) {
  check_input(conv, transform, false);
  choose(conv, x.shape, ConvProduct::backward_weights).backward_weights(conv, x, transform, dy, dw, scratch);
}

void conv2d_backward(const Conv2d& conv, ConstView x, const InputTransform& transform, const Gradient& dy,
                     const float* w, View dx, Write write, const BackwardEpilogue& epilogue, float* dw,
                     std::span<float> scratch) {
  const ConvCandidate* const both = dx.data == nullptr ? nullptr : joint(conv, x.shape);
  FANIN_CHECK(dy.identity() || (both != nullptr && both->loads_gradient), shape,
              "convolution {0}x{0} {1} -> {2}: these products need a stored gradient", conv.kernel, conv.in_channels,
              conv.out_channels);
  check_input(conv, transform, both != nullptr);
  if (both != nullptr) return both->backward(conv, x, transform, dy, w, dx, write, epilogue, dw, scratch);
  conv2d_backward_weights(conv, x, transform, dy.g, dw, scratch);
  if (dx.data != nullptr) conv2d_backward_input(conv, dy.g, w, dx, write, epilogue, scratch);
}

// No rung that loads gradients looks at the size of the image, but for strassen, and what comes instead loads them, too.
bool conv2d_loads_gradient(const Conv2d& conv) {
  const ConvCandidate* const both = joint(conv, {1, conv.kernel, conv.kernel, conv.in_channels});
  return both != nullptr && both->loads_gradient;
}

bool conv2d_joins_input(const Conv2d& conv) {
  const Shape x{1, conv.kernel, conv.kernel, conv.in_channels};
  const ConvCandidate* const both = joint(conv, x);
  const bool all_pixels = conv.kernel == 1 && conv.stride == 1 && conv.padding == 0;
  return all_pixels && choose(conv, x, ConvProduct::forward).joins_input && both != nullptr && both->joins_input;
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
