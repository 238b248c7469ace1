// Values that a convolution joins while it loads them, against a pass of its own (the slow twin): the same bits in x, in
// every product, and on any number of threads.
// SPDX-License-Identifier: MIT
#include "core/check.h"
#include "core/graph/join.h"
#include "core/kernels/conv_candidate.h"
#include "core/kernels/conv_pack.h"
#include "core/tensor/parallel.h"
#include "tests/core/random_values.h"

#include <gtest/gtest.h>

#include <limits>

namespace fanin {
namespace {

// x of a 1x1 convolution in the middle of wider pixels, and what it is joined from: some read through a BatchNorm, some
// through a ReLU as well, some as they are.
struct Problem {
  const ConvCandidate* rung;
  Conv2d conv;
  Shape shape, whole;
  std::vector<Tensor> values;
  std::vector<std::vector<float>> rows;
  Joined joined;
  int first;
  Tensor dy;
  std::vector<float> w;

  Problem(int in, int out, const Shape& images, int operands, int gap, const ConvCandidate* who = &conv_pointwise)
      : rung(who),
        conv{.in_channels = in, .out_channels = out},
        shape(images.with_channels(in)),
        whole(images.with_channels(in + gap)),
        first(gap / 2),
        dy(random(images.with_channels(out), "dy")),
        w(random_row(in * out, "w")) {
    for (int k = 0; k < operands; ++k) {
      values.push_back(random(shape, "operand" + std::to_string(k)));
      for (const char* name : {"mean", "factor", "shift"}) rows.push_back(random_row(in, name + std::to_string(k)));
    }
    for (int k = 0; k < operands; ++k) {
      const std::size_t at = static_cast<std::size_t>(k);
      InputTransform t;
      if (k % 2 == 0) t = {rows[3 * at].data(), rows[3 * at + 1].data(), rows[3 * at + 2].data(), false};
      t.relu = k > 1;
      joined.operands[joined.count++] = {std::as_const(values[at]).view(), t};
    }
  }

  // x, y and its moments, dx and its sums, dw; what is beside x in the pixels is there, too.
  std::vector<std::vector<float>> run(bool at_load) {
    constexpr float kUntouched = -7.0f;
    Tensor x(whole), y(dy.shape()), dx(shape);
    std::fill_n(x.view().data, whole.size(), kUntouched);
    joined.x = x.view().channels(first, shape.channels);
    const InputTransform transform{.joined = at_load ? &joined : nullptr};
    const auto start = [&] {
      const std::vector<float> nothing(whole.size(), kUntouched);
      std::copy(nothing.begin(), nothing.end(), x.view().data);
      if (!at_load) join_forward(joined);
    };
    const auto scratch = [](std::size_t floats) {
      Buffer result(floats);
      std::fill(result.span().begin(), result.span().end(), std::numeric_limits<float>::quiet_NaN());
      return result;
    };
    const int threads = thread_count();
    std::vector<float> moments(static_cast<std::size_t>(2 * shape.images * conv.out_channels)), dw(w.size());
    std::vector<float> sums(static_cast<std::size_t>(2 * shape.images * shape.channels));
    start();
    const Buffer ahead = scratch(rung->scratch(conv, shape, ConvProduct::forward, threads));
    ForwardEpilogue statistics;
    statistics.moments = moments.data();
    rung->forward(conv, joined.x, transform, w.data(), y.view(), statistics, ahead.span());
    const std::vector<float> forward_x(x.view().data, x.view().data + whole.size());
    start();
    const Buffer back = scratch(rung->backward_scratch(conv, shape, threads));
    const BackwardEpilogue mask{.x = joined.x, .transform = {.relu = true}, .sums = sums.data()};
    rung->backward(conv, joined.x, transform, Gradient(std::as_const(dy).view()), w.data(), dx.view(), Write::overwrite,
                   mask, dw.data(), back.span());
    const auto all = [](const Tensor& t) {
      return std::vector<float>(t.view().data, t.view().data + t.shape().size());
    };
    return {forward_x, all(y), moments, all(x), all(dx), sums, dw};
  }
};

constexpr const char* kNames[] = {"x forward", "y", "moments", "x backward", "dx", "sums", "dw"};

void expect_equal(Problem& q, const std::string& what) {
  const int before = thread_count();
  set_thread_count(1);
  const std::vector<std::vector<float>> expected = q.run(false);
  for (const int threads : {1, 2, 3, 4, 7}) {
    set_thread_count(threads);
    const std::vector<std::vector<float>> actual = q.run(true);
    for (std::size_t i = 0; i < expected.size(); ++i)
      ASSERT_EQ(actual[i], expected[i]) << kNames[i] << ", " << threads << " threads, " << what;
  }
  set_thread_count(before);
}

TEST(ConvJoined, AtTheLoadAsInAPassOfItsOwn) {
  for (const int in : {1, 3, 16, 31, 48, 100})
    for (const int operands : {2, 3, 4})
      for (const int gap : {0, 5}) {
        const Shape images = in % 2 == 0 ? Shape{3, 9, 11, 1} : Shape{2, 8, 8, 1};
        Problem q(in, in == 16 ? 70 : 12, images, operands, gap);
        expect_equal(q, std::to_string(in) + " channels, " + std::to_string(operands) + " operands");
      }
}

TEST(ConvJoined, ByStrassen) {
  Problem q(96, 64, {3, 16, 8, 1}, 3, 5, &conv_strassen);
  ASSERT_TRUE(conv_strassen.fits(q.conv, q.shape, ConvProduct::backward_input));
  expect_equal(q, "strassen");
}

// Gradients that are shared between the parts of large weights.
TEST(ConvJoined, WithLargeWeights) {
  Problem q(516, 260, {3, 5, 13, 1}, 2, 0);
  expect_equal(q, "large weights");
}

// Values too large for the caches are written past them; a gap of half a vector leaves them unaligned.
TEST(ConvJoined, PastTheCaches) {
  for (const int gap : {0, 16}) {
    Problem q(64, 6, {33, 32, 32, 1}, 2, gap);
    Tensor x(q.whole);
    EXPECT_EQ(may_stream(x.view().channels(q.first, 64)), gap == 0 || q.first % simd::kLanes == 0);
    expect_equal(q, "streamed");
  }
  Tensor few({2, 32, 32, 64});
  EXPECT_FALSE(may_stream(few.view()));
}

// The products that load x as it is there say so instead of reading what nobody has written.
TEST(ConvJoined, WhoCannotJoinRefuses) {
  Problem q(16, 12, {2, 8, 8, 1}, 2, 0);
  Tensor x(q.shape), y(q.dy.shape());
  q.joined.x = x.view();
  const InputTransform transform{.joined = &q.joined};
  std::vector<float> dw(q.w.size());
  const Buffer scratch(conv2d_scratch(q.conv, q.shape));
  EXPECT_THROW(
      conv2d_backward_weights(q.conv, x.view(), transform, std::as_const(q.dy).view(), dw.data(), scratch.span()),
      Error);
  EXPECT_NO_THROW(conv2d_forward(q.conv, x.view(), transform, q.w.data(), y.view(), {}, scratch.span()));
  const Conv2d wide{.in_channels = 16, .out_channels = 12, .kernel = 3, .padding = 1};
  const std::vector<float> w(wide.weight_shape().size());
  const Buffer more(conv2d_scratch(wide, q.shape));
  EXPECT_THROW(conv2d_forward(wide, x.view(), transform, w.data(), y.view(), {}, more.span()), Error);
}

}  // namespace
}  // namespace fanin
