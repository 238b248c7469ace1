// SPDX-License-Identifier: MIT
#include "init/dirac.h"

#include "core/check.h"
#include "core/graph/parameter.h"
#include "core/kernels/conv2d.h"
#include "core/tensor/parallel.h"
#include "tests/support/weights.h"

#include <gtest/gtest.h>

namespace fanin {
namespace {

// What torch's test does: convolve with it and compare channels.
void expect_identity(int channels, int out, int kernel, int init_groups, int conv_groups) {
  const Conv2d conv{.in_channels = channels,
                    .out_channels = out,
                    .kernel = kernel,
                    .stride = 1,
                    .padding = kernel / 2,
                    .groups = conv_groups};
  std::vector<float> w(conv.weight_shape().size());
  from_file_order(conv.weight_shape(), test::weights_of(*dirac(init_groups), conv.weight_shape()), w);
  Tensor x({1, 5, 5, channels}), y({1, 5, 5, out});
  const Rng rng = Rng::stream(2, "x");
  for (std::size_t i = 0; i < x.shape().size(); ++i) x.view().data[i] = static_cast<float>(rng.normal(i));
  Buffer scratch(conv2d_scratch(conv, x.shape()));
  conv2d_forward(conv, x.view(), {}, w.data(), y.view(), {}, scratch.span());
  const int per_group = out / init_groups, in_per_group = channels / conv_groups,
            ones = std::min(per_group, in_per_group);
  for (std::size_t p = 0; p < 25; ++p)
    for (int o = 0; o < out; ++o) {
      const int d = o % per_group, first = o / (out / conv_groups) * in_per_group;
      EXPECT_EQ(y.view().pixel(p)[o], d < ones ? x.view().pixel(p)[first + d] : 0.0f)
          << "pixel " << p << " channel " << o;
    }
}

TEST(Dirac, PassesChannelsThrough) {
  expect_identity(4, 4, 3, 1, 1);
  expect_identity(4, 6, 3, 1, 1);
  expect_identity(6, 4, 5, 1, 1);
  expect_identity(4, 8, 3, 2, 1);
  expect_identity(8, 8, 3, 4, 4);
  expect_identity(3, 3, 1, 1, 1);
}

TEST(Dirac, Refusals) {
  EXPECT_THROW(test::weights_of(*dirac(5), WeightShape::conv(1, 3, 4, 1)), Error);
  EXPECT_THROW(test::weights_of(*dirac(), WeightShape::linear(3, 4)), Error);
  EXPECT_THROW(dirac(0), Error);
}

}  // namespace
}  // namespace fanin
