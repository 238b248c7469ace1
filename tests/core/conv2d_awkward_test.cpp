// Shapes that nobody would think of: 150 drawn at random from everything small, and some by hand (5x5 kernels, 10
// channels more a layer, batches of 1 and 37, deep sums), by every rung against the definition.
// SPDX-License-Identifier: MIT
#include "tests/core/conv2d_check.h"

#include <algorithm>

namespace fanin {
namespace {

using test::Case;

Case drawn(std::size_t index) {
  const Rng rng = Rng::stream(11, "awkward/" + std::to_string(index));
  std::size_t next = 0;
  const auto from = [&](int low, int high) {
    return low + static_cast<int>(rng.uniform(next++) * static_cast<double>(high - low + 1));
  };
  Conv2d c;
  c.kernel = from(1, 7);
  if (from(0, 2) == 0) c.kernel = 3;
  if (from(0, 3) == 0) c.kernel = 1;
  c.stride = from(1, 3);
  if (c.kernel == 3 && from(0, 1) == 0) c.stride = 1;
  c.padding = from(0, 1) == 0 ? c.kernel / 2 : from(0, c.kernel - 1);
  c.groups = from(0, 2) == 0 ? from(2, 5) : 1;
  c.in_channels = c.groups * from(1, c.groups > 1 ? 20 : 40);
  c.out_channels = c.groups * from(1, c.groups > 1 ? 20 : 40);
  const int least = std::max(1, c.kernel - 2 * c.padding);
  if (index % 15 == 14) c.in_channels = c.out_channels = c.groups = from(2, 40);  // depthwise
  return {c, {from(1, 4), from(least, least + 11), from(least, least + 11), c.in_channels}};
}

std::vector<Case> awkward_cases() {
  std::vector<Case> result;
  for (std::size_t i = 0; i < 150; ++i) result.push_back(drawn(i));
  const auto add = [&](int in, int out, int kernel, int stride, int images, int height, int width, int groups = 1) {
    result.push_back({{.in_channels = in,
                       .out_channels = out,
                       .kernel = kernel,
                       .stride = stride,
                       .padding = kernel / 2,
                       .groups = groups},
                      {images, height, width, in}});
  };
  for (const int images : {1, 37}) {
    add(20, 20, 3, 1, images, 5, 3);
    add(20, 40, 5, 1, images, 4, 6);
    add(20, 40, 5, 2, images, 5, 4);
    add(34, 10, 3, 1, images, 4, 4);  // densenet-40-10: growth 10
    add(34, 40, 1, 1, images, 3, 3);
    add(20, 40, 1, 2, images, 5, 3);
    add(17, 19, 3, 2, images, 1, 1);  // a single pixel
    add(50, 45, 3, 2, images, 5, 4);
    add(13, 13, 3, 1, images, 1, 9);  // a single row, and a single column
    add(13, 13, 3, 1, images, 9, 1);
  }
  add(300, 40, 1, 1, 2, 5, 4);  // sums in several parts, the last shorter
  add(40, 300, 1, 1, 2, 9, 9);
  add(520, 513, 1, 1, 2, 9, 9);  // large weights
  add(330, 130, 3, 2, 3, 5, 4);  // gradients of large weights, in slices
  add(420, 420, 3, 2, 2, 5, 3, 2);
  add(300, 291, 3, 2, 2, 3, 7, 3);
  add(20, 24, 3, 2, 1, 33, 31);  // bands of rows
  add(290, 20, 3, 1, 2, 5, 4);
  add(20, 290, 3, 1, 2, 5, 4);
  for (const int width : {1, 2, 4, 8})  // narrow groups: bands, a single row, one image more than chunks
    for (const int stride : {1, 2}) {
      add(6 * width, 6 * width, 3, stride, 2, 17, 19, 6);
      add(20 * width, 20 * width, 5, stride, 9, 1, 13, 20);
    }
  for (const int images : {1, 10}) {  // blocks of 128 pixels in odd numbers, channels that leave narrow panels
    add(64, 352, 1, 1, images, 3, 128);
    add(96, 64, 1, 2, images, 2, 255);
  }
  for (const int images : {1, 2, 5}) add(60, 51, 3, 1, images, 8, 8, 3);  // few images: groups are shared out
  return result;
}

int check_awkward(const ConvCandidate& rung, const test::WinogradAlgorithm* winograd = nullptr) {
  int fitting = 0;
  for (const Case& c : awkward_cases()) {
    for (const bool with_extras : {false, true}) test::check(rung, c, with_extras, winograd);
    if (::testing::Test::HasFatalFailure()) return 0;
    fitting += rung.fits(c.conv, c.x, ConvProduct::forward);
  }
  return fitting;
}

TEST(Conv2dAwkward, GemmIsTheDefinition) { EXPECT_EQ(check_awkward(conv_gemm), 202); }
TEST(Conv2dAwkward, DirectIsTheDefinition) { EXPECT_GT(check_awkward(conv_direct), 100); }
TEST(Conv2dAwkward, DepthwiseIsTheDefinition) { EXPECT_GE(check_awkward(conv_depthwise), 10); }
TEST(Conv2dAwkward, GroupedIsTheDefinition) { EXPECT_GE(check_awkward(conv_grouped), 16); }
TEST(Conv2dAwkward, PointwiseIsTheDefinition) { EXPECT_GT(check_awkward(conv_pointwise), 15); }
TEST(Conv2dAwkward, StrassenIsTheDefinition) { EXPECT_EQ(check_awkward(conv_strassen), 4); }
class Conv2dAwkwardAmx : public test::MatrixUnit {};
TEST_P(Conv2dAwkwardAmx, IsTheDefinition) { EXPECT_GT(check_awkward(conv_amx), 5); }
INSTANTIATE_TEST_SUITE_P(Precisions, Conv2dAwkwardAmx, test::kMatrixUnitPrecisions);
TEST(Conv2dAwkward, Winograd2IsTheDefinition) {
  const test::WinogradAlgorithm m = test::winograd2();
  EXPECT_GT(check_awkward(conv_winograd2, &m), 15);
}
TEST(Conv2dAwkward, Winograd4IsTheDefinition) {
  const test::WinogradAlgorithm m = test::winograd4();
  EXPECT_GT(check_awkward(conv_winograd4, &m), 15);
}
TEST(Conv2dAwkward, Strided2IsTheDefinition) {
  const test::WinogradAlgorithm m = test::strided2();
  EXPECT_GE(check_awkward(conv_strided2, &m), 5);
}

}  // namespace
}  // namespace fanin
