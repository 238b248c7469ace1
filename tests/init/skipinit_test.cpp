// The variance over the depth of residual networks without norm: doubling, or bounded by e.
// SPDX-License-Identifier: MIT
#include "init/skipinit.h"

#include "init/catalog.h"
#include "init/layer_pass.h"
#include "tests/support/error_of.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace fanin {
namespace {

using test::Specimen;

// E x^2 behind block 9 of the first stage over that behind block 0: nine blocks with identity shortcuts of 30.
double growth(const std::string& scheme) {
  Specimen s("wrn-64-2:norm=none,residual=skipinit", 4);
  make_scheme(scheme)->apply(s.net(), s.batch(), 1);
  std::map<std::string, double> squares;
  WatchedPasses passes(s.net(), 1, [&](std::string_view node, ConstView v) {
    const OutputMoments m = output_moments(v);
    squares[std::string(node)] = m.variance + m.mean * m.mean;
  });
  passes.forward(s.batch());
  return squares.at("group0.block9.sum") / squares.at("group0.block0.sum");
}

TEST(SkipInit, TheVarianceIsBoundedWhereHeDoublesItWithEachBlock) {
  const double he = growth("kaiming_normal"), skip = growth("skipinit:scale=inverse_sqrt");
  EXPECT_GT(he, std::exp2(6.0)) << "2^9 on average; single networks scatter";
  EXPECT_LT(skip, std::exp(1.0)) << "(1 + 1 / 30)^9 = 1.34 on average";
  EXPECT_GT(skip, 1.05);
  EXPECT_EQ(growth("skipinit"), 1.0) << "exactly the identity";
  EXPECT_EQ(growth("rezero"), 1.0);
}

TEST(SkipInit, TheMultipliersHaveTheirValue) {
  Specimen s("resnet-14:residual=skipinit");
  make_scheme("skipinit:scale=inverse_sqrt")->apply(s.net(), {}, 1);
  EXPECT_EQ(s.net().find_parameter("layer3.1.scale.weight")->value[0], static_cast<float>(1.0 / std::sqrt(6.0)));
}

TEST(SkipInit, NeedsAMultiplier) {
  Specimen s("wrn-10-1");
  EXPECT_EQ(
      test::error_of([&] { make_scheme("rezero")->apply(s.net(), {}, 1); }),
      "scheme 'rezero' needs a multiplier at the end of each residual branch, and group0.block0.sum has none; use "
      "a network such as wrn-16-1:residual=rezero,norm=none");
  EXPECT_EQ(test::error_of([] { make_scheme("skipinit:scale=one"); }),
            "scheme 'skipinit': unknown scale 'one'; choose from zero, inverse_sqrt");
}

}  // namespace
}  // namespace fanin
