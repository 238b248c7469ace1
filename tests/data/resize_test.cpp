// SPDX-License-Identifier: MIT
#include "data/resize.h"

#include "tests/data/fixtures.h"

#include <algorithm>
#include <cmath>

namespace fanin {
namespace {

using namespace testing_data;
using Image = std::vector<std::uint8_t>;

Image resized(const Image& in, int h, int w, int c, int oh, int ow) {
  Image out(static_cast<std::size_t>(oh * ow * c));
  resize(in, h, w, c, oh, ow, out);
  return out;
}

// The definition, in doubles and both axes at once.
double expected(const Image& in, int h, int w, int c, int oh, int ow, int y, int x, int channel) {
  const auto tent = [](int j, int i, int size, int out) {
    const double ratio = static_cast<double>(size) / out;
    return std::max(0.0, std::max(1.0, ratio) - std::abs(j - ((i + 0.5) * ratio - 0.5)));
  };
  double sum = 0, weights = 0;
  for (int j = 0; j < h; ++j) {
    for (int k = 0; k < w; ++k) {
      const double weight = tent(j, y, h, oh) * tent(k, x, w, ow);
      sum += weight * in[static_cast<std::size_t>((j * w + k) * c + channel)];
      weights += weight;
    }
  }
  return sum / weights;
}

TEST(Resize, FollowsItsDefinition) {
  const int h = 9, w = 14, c = 3;
  Image in;
  for (int i = 0; i < h * w * c; ++i) in.push_back(static_cast<std::uint8_t>((i * i * 31 + i * 7) & 255));
  const int sizes[][2] = {{9, 14}, {3, 5}, {18, 28}, {32, 32}, {1, 1}, {4, 40}};
  for (const auto& [oh, ow] : sizes) {
    const Image out = resized(in, h, w, c, oh, ow);
    for (int y = 0; y < oh; ++y) {
      for (int x = 0; x < ow; ++x) {
        for (int k = 0; k < c; ++k) {
          // Each of the two passes rounds to a byte (1/2); rounding up to 14 weights to 1/16384 moves a sum by at most
          // 14 * 255 / 32768 = 0.11 a pass.
          EXPECT_NEAR(out[static_cast<std::size_t>((y * ow + x) * c + k)], expected(in, h, w, c, oh, ow, y, x, k), 1.3);
        }
      }
    }
  }
}

TEST(Resize, SameSizeAndConstantImagesAreExact) {
  Image in;
  for (int i = 0; i < 5 * 7 * 3; ++i) in.push_back(static_cast<std::uint8_t>(i * 11));
  EXPECT_EQ(resized(in, 5, 7, 3, 5, 7), in);
  for (const int value : {0, 1, 200, 255}) {
    const Image flat(13 * 17, static_cast<std::uint8_t>(value));
    for (const std::uint8_t out : resized(flat, 13, 17, 1, 6, 31)) EXPECT_EQ(out, value);
  }
}

TEST(Resize, RejectsNonsense) {
  Image in(12), out(3);
  error_of(ErrorKind::shape, [&] { resize(in, 2, 2, 3, 0, 1, out); });
  error_of(ErrorKind::shape, [&] { resize(in, 2, 3, 3, 1, 1, out); });
  error_of(ErrorKind::shape, [&] { resize(in, 2, 2, 3, 2, 1, out); });
}

}  // namespace
}  // namespace fanin
