// SPDX-License-Identifier: MIT
#include "core/spec.h"

#include "core/check.h"
#include "tests/support/error_of.h"

#include <gtest/gtest.h>

namespace fanin {
namespace {

using test::error_of;

TEST(Spec, NameAndOptions) {
  const Spec spec = parse_spec("wrn-16-1:norm=none, act=tanh");
  EXPECT_EQ(spec.name, "wrn-16-1");
  ASSERT_EQ(spec.options.size(), 2u);
  EXPECT_EQ(spec.options[1], (std::pair<std::string, std::string>("act", "tanh")));
  EXPECT_THROW(parse_spec("a:b"), Error);
  EXPECT_THROW(parse_spec("a:b=1,b=2"), Error);
}

TEST(Spec, OptionsAreReadOnceAndWhole) {
  SpecOptions options("model", parse_spec("m:depth=12,rate=0.5,kind=b,path=x"));
  EXPECT_EQ(options.name(), "m");
  EXPECT_EQ(options.integer("depth", 3, 1, 20), 12);
  EXPECT_EQ(options.integer("absent", 3, 1, 20), 3);
  EXPECT_EQ(options.number("rate", 1.0), 0.5);
  EXPECT_EQ(options.word("kind", "a", {"a", "b"}), "b");
  EXPECT_NE(error_of([&] { options.finish(); }).find("unknown option 'path'"), std::string::npos);
  EXPECT_EQ(options.text("path", ""), "x");
  options.finish();
}

TEST(Spec, BadValuesAreNamedWithWhatIsLegal) {
  SpecOptions options("model", parse_spec("m:depth=21,rate=high,kind=c"));
  EXPECT_NE(error_of([&] { options.integer("depth", 3, 1, 20); }).find("depth=21 must be a whole number from 1 to 20"),
            std::string::npos);
  EXPECT_NE(error_of([&] { options.number("rate", 1.0); }).find("rate=high must be a number"), std::string::npos);
  EXPECT_NE(error_of([&] { options.word("kind", "a", {"a", "b"}); }).find("unknown kind 'c'"), std::string::npos);
}

}  // namespace
}  // namespace fanin
