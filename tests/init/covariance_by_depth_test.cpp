// Each depthwise convolution gets the filters of its own place.
// SPDX-License-Identifier: MIT
#include "init/covariance_by_depth.h"

#include "init/catalog.h"
#include "tests/support/error_of.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

using test::Specimen;

std::vector<float> file_of(Network& net, const std::string& name) {
  const Parameter& p = *net.find_parameter(name);
  std::vector<float> file(p.shape.size());
  to_file_order(p.shape, p.value, file);
  return file;
}

// Square distance of a tap from the centre of 5 x 5.
double square_distance(std::size_t tap) {
  const double y = static_cast<double>(tap / 5) - 2.0, x = static_cast<double>(tap % 5) - 2.0;
  return y * y + x * x;
}

// Of N filters, the mean of S = sum over taps of w^2 times the square distance from the centre; E S = sum of C(p, p) d(p),
// its variance is 2 sum of C(p, q)^2 d(p) d(q) over N. Five standard errors.
TEST(CovarianceByDepth, EveryDepthwiseConvolutionHasThatOfItsPlace) {
  constexpr std::size_t filters = 512, taps = 25;
  Specimen s("convmixer-3-512", 2), base("convmixer-3-512", 2);
  make_scheme("covariance_by_depth:first=0.1,last=0.5,gain=2")->apply(s.net(), {}, 1);
  make_scheme("kaiming_normal")->apply(base.net(), {}, 1);
  for (int b = 0; b < 3; ++b) {
    const std::string block = "blocks." + std::to_string(b);
    const std::vector<float> w = file_of(s.net(), block + ".0.fn.0.weight");
    const std::vector<double> c = tap_covariance(5, 5, 5 * (0.1 + 0.2 * b));
    double measured = 0.0, expected = 0.0, variance = 0.0;
    for (std::size_t k = 0; k < w.size(); ++k)
      measured += static_cast<double>(w[k]) * static_cast<double>(w[k]) * square_distance(k % taps) / filters;
    for (std::size_t p = 0; p < taps; ++p) {
      expected += 4.0 / taps * c[p * taps + p] * square_distance(p);
      for (std::size_t q = 0; q < taps; ++q)
        variance += 2.0 * 16.0 / (taps * taps) * c[p * taps + q] * c[p * taps + q] * square_distance(p) *
                    square_distance(q) / filters;
    }
    EXPECT_NEAR(measured, expected, 5 * std::sqrt(variance)) << block;
    EXPECT_EQ(file_of(s.net(), block + ".1.weight"), file_of(base.net(), block + ".1.weight"));
  }
  EXPECT_EQ(file_of(s.net(), "stem.0.weight"), file_of(base.net(), "stem.0.weight"));
}

TEST(CovarianceByDepth, MistakesAreNamed) {
  Specimen plain("plain-4-4", 2), grouped("resnext-11-2x4d:widen=1", 2);
  for (Specimen* s : {&plain, &grouped})
    EXPECT_EQ(test::error_of([&] { make_scheme("covariance_by_depth")->apply(s->net(), {}, 1); }),
              "scheme 'covariance_by_depth' is for depthwise convolutions, and this network has none; use convmixer-*");
  EXPECT_EQ(test::error_of([] { make_scheme("covariance_by_depth:last=0"); }),
            "covariance with last 0; it must be above 0");
}

}  // namespace
}  // namespace fanin
