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

// Of N filters, the mean square of tap p over its stated value is chi-square over N: five standard errors, sqrt(2 / N).
TEST(CovarianceByDepth, EveryDepthwiseConvolutionHasThatOfItsPlace) {
  constexpr int filters = 128, kernel = 5, taps = kernel * kernel, blocks = 3;
  Specimen s("convmixer-3-128", 2), base("convmixer-3-128", 2);
  make_scheme("covariance_by_depth:first=0.2,last=0.5,gain=2")->apply(s.net(), {}, 1);
  make_scheme("kaiming_normal")->apply(base.net(), {}, 1);
  for (int b = 0; b < blocks; ++b) {
    const std::vector<float> w = file_of(s.net(), "blocks." + std::to_string(b) + ".0.fn.0.weight");
    const std::vector<double> c = tap_covariance(kernel, kernel, kernel * (0.2 + 0.15 * b));
    for (std::size_t p = 0; p < taps; ++p) {
      double square = 0.0;
      for (std::size_t f = 0; f < filters; ++f)
        square += static_cast<double>(w[f * taps + p]) * static_cast<double>(w[f * taps + p]) / filters;
      EXPECT_NEAR(square / (4.0 / taps * c[p * taps + p]), 1.0, 5 * std::sqrt(2.0 / filters)) << b << ", tap " << p;
    }
    const std::string pointwise = "blocks." + std::to_string(b) + ".1.weight";
    EXPECT_EQ(file_of(s.net(), pointwise), file_of(base.net(), pointwise));
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
