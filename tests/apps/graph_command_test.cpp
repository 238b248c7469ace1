// fanin graph: the table and the DOT text name every node and every edge.
// SPDX-License-Identifier: MIT
#include "tests/support/command.h"

#include <algorithm>

namespace fanin {
namespace {

std::string graph(const std::string& arguments, const test::Path& folder = test::scratch_folder()) {
  const test::CommandResult result = test::run_fanin(folder, "graph " + arguments);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  return result.output;
}

int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

TEST(GraphCommand, TheTableSaysWhatReadsWhat) {
  const std::string text = graph("wrn-10-1");
  EXPECT_NE(text.find("group0.block0.conv1, conv0"), std::string::npos) << text;
  EXPECT_NE(text.find("conv 3x3 16 -> 32 /2"), std::string::npos) << text;
}

TEST(GraphCommand, DotHasEveryNodeAndEdgeInNestedBoxes) {
  const std::string text = graph("wrn-10-1 --format dot");
  EXPECT_TRUE(text.starts_with("digraph"));
  EXPECT_EQ(count(text, "{"), count(text, "}"));
  // 3 groups, each with one block; 3 blocks of bn, act, conv, bn, act, conv, sum and two convdim; input, conv0, bn,
  // act, pool, fc.
  EXPECT_EQ(count(text, "subgraph"), 6) << text;
  EXPECT_EQ(count(text, "[label="), 3 * 7 + 2 + 6) << text;
  EXPECT_EQ(count(text, " -> \""), 3 * 8 + 2 + 5) << text;  // a sum reads two
  EXPECT_NE(text.find("\"group1.block0.act0\" -> \"group1.block0.convdim\""), std::string::npos) << text;
}

TEST(GraphCommand, WritesAFileAndRefusesOtherFormats) {
  const test::Path folder = test::scratch_folder();
  EXPECT_EQ(test::run_fanin(folder, "graph mlp-2-8 --format dot --out g.dot").exit_code, 0);
  EXPECT_EQ(test::file_text(folder / "g.dot"), graph("mlp-2-8 --format dot", folder));
  const test::CommandResult wrong = test::run_fanin(folder, "graph mlp-2-8 --format svg");
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_NE(wrong.output.find("choose text or dot"), std::string::npos) << wrong.output;
}

}  // namespace
}  // namespace fanin
