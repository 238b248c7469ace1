// SPDX-License-Identifier: MIT
#include "core/text.h"

#include "core/check.h"

#include <gtest/gtest.h>

namespace fanin {
namespace {

TEST(Text, DidYouMean) {
  const std::vector<std::string> known = {"train", "compare", "summary"};
  EXPECT_EQ(did_you_mean("tarin", known), "; did you mean 'train'?");
  EXPECT_EQ(did_you_mean("sumary", known), "; did you mean 'summary'?");
  EXPECT_EQ(did_you_mean("xyz", known), "; choose from train, compare, summary");
  EXPECT_EQ(did_you_mean("", known), "; choose from train, compare, summary");
}

TEST(Text, SplitAndTrim) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("a,", ','), (std::vector<std::string_view>{"a", ""}));
  EXPECT_TRUE(split("", ',').empty());
  EXPECT_EQ(trim("  a b\t"), "a b");
  EXPECT_EQ(trim("  "), "");
}

TEST(Text, ShellWords) {
  EXPECT_EQ(shell_word("a=1,b:c"), "a=1,b:c");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's $x"), "'it'\\''s $x'");
  EXPECT_EQ(shell_word(""), "''");
}

TEST(Text, NumbersAreReadWholeOrNotAtAll) {
  EXPECT_EQ(parse_integer("-12"), -12);
  for (const char* text : {"", "1x", "1.0", " 1", "99999999999999999999"}) EXPECT_FALSE(parse_integer(text)) << text;
  EXPECT_EQ(parse_number("1e-3"), 1e-3);
  for (const char* text : {"", "1,5", "inf", "nan", "1e999", "0x10"}) EXPECT_FALSE(parse_number(text)) << text;
}

}  // namespace
}  // namespace fanin
