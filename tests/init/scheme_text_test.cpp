// One line of text becomes a scheme, or one sentence says why not.
// SPDX-License-Identifier: MIT
#include "init/catalog.h"
#include "tests/support/error_of.h"

#include <gtest/gtest.h>

namespace fanin {
namespace {

std::string error(const char* spec) {
  return test::error_of([&] { make_scheme(spec); });
}

TEST(SchemeText, MistakesAreNamed) {
  EXPECT_EQ(error("kaiming_norml"), "unknown scheme 'kaiming_norml'; did you mean 'kaiming_normal'?");
  EXPECT_EQ(error("cnv=zeros"),
            "scheme 'cnv=zeros': unknown role 'cnv'; did you mean 'conv'?; or give a pattern of "
            "parameter names such as 'fc.*'");
  EXPECT_EQ(error("conv=zeros;fc.bias"),
            "scheme 'conv=zeros;fc.bias': 'fc.bias' is no rule; write role=initializer or "
            "pattern=initializer, separated by ';'");
  EXPECT_EQ(error("kaiming_normal;"), "scheme 'kaiming_normal;' ends with ';'; add a rule or remove it");
  EXPECT_EQ(error("kaiming_normal:moed=fan_in"),
            "initializer 'kaiming_normal': unknown option 'moed'; did you mean 'mode'?");
}

TEST(SchemeText, RulesGoOnTopOfWhatComesFirst) {
  const Parameter conv{
      .name = "c.weight", .role = Role::conv_weight, .shape = WeightShape::conv(3, 8, 8, 1), .value = {}, .grad = {}};
  for (const char* spec : {"orthogonal;conv=zeros", "prlz77-resnext;conv=zeros", "conv=ones;conv=zeros"})
    EXPECT_EQ(make_scheme(spec)->describe(conv), "constant 0") << spec;
  EXPECT_EQ(make_scheme("prlz77-resnext;linear=zeros")->rule(conv), "conv");
}

}  // namespace
}  // namespace fanin
