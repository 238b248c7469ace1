// Formulas as MathML: what is known becomes elements, what is not is named.
// SPDX-License-Identifier: MIT
#include "apps/study/tex.h"
#include "tests/support/error_of.h"

#include <gtest/gtest.h>

#include <set>

namespace fanin {
namespace {

std::string inside(std::string_view tex) {
  const std::string math = mathml(tex, false), open = "<math><mrow>", close = "</mrow></math>";
  return math.substr(open.size(), math.size() - open.size() - close.size());
}

TEST(Tex, SymbolsAndScripts) {
  EXPECT_EQ(mathml("x"), "<math display=\"block\"><mrow><mi>x</mi></mrow></math>");
  EXPECT_EQ(inside("a = 2.5"), "<mi>a</mi><mo>=</mo><mn>2.5</mn>");
  EXPECT_EQ(inside("-\\sigma"), "<mo>−</mo><mi>σ</mi>");
  EXPECT_EQ(inside("x_i"), "<msub><mi>x</mi><mrow><mi>i</mi></mrow></msub>");
  EXPECT_EQ(inside("x^{12}"), "<msup><mi>x</mi><mrow><mrow><mn>12</mn></mrow></mrow></msup>");
  EXPECT_EQ(inside("x_i^2"), inside("x^2_i"));
  EXPECT_EQ(inside("f'"), "<msup><mi>f</mi><mrow><mo>′</mo></mrow></msup>");
  EXPECT_EQ(inside("\\sum_k a").substr(0, 12), "<munder><mo>") << "below, not beside";
  EXPECT_EQ(inside("\\sum_k^n").substr(0, 12), "<munderover>");
}

TEST(Tex, Structures) {
  EXPECT_EQ(inside("\\frac{1}{n}"), "<mfrac><mrow><mn>1</mn></mrow><mrow><mi>n</mi></mrow></mfrac>");
  EXPECT_EQ(inside("\\frac12"), "<mfrac><mn>1</mn><mn>2</mn></mfrac>");
  EXPECT_EQ(inside("\\sqrt{x}"), "<msqrt><mrow><mi>x</mi></mrow></msqrt>");
  EXPECT_EQ(inside("\\sqrt[3]{x}"), "<mroot><mrow><mi>x</mi></mrow><mrow><mn>3</mn></mrow></mroot>");
  EXPECT_EQ(inside("\\text{fan in}"), "<mtext>fan in</mtext>");
  EXPECT_EQ(inside("\\mathbb{E}\\mathcal{N}\\mathbb{R}"), "<mi>𝔼</mi><mi>𝒩</mi><mi>ℝ</mi>");
  EXPECT_EQ(inside("\\left( x \\right."), "<mrow><mo stretchy=\"true\">(</mo><mi>x</mi></mrow>");
  EXPECT_EQ(inside("\\hat{q}").substr(0, 21), "<mover accent=\"true\">");
  EXPECT_EQ(inside("\\operatorname{Var}"), "<mi mathvariant=\"normal\">Var</mi>");
  EXPECT_EQ(inside("\\{ 方差 \\}"),
            "<mo stretchy=\"false\">{</mo><mtext>方</mtext><mtext>差</mtext><mo stretchy=\"false\">}</mo>");
}

TEST(Tex, TextIsEscaped) {
  EXPECT_EQ(inside("\\text{</math><img src=x>}"), "<mtext>&lt;/math&gt;&lt;img src=x&gt;</mtext>");
  EXPECT_EQ(inside("a<b"), "<mi>a</mi><mo>&lt;</mo><mi>b</mi>");
}

TEST(Tex, WhatIsNotKnownIsNamed) {
  const auto error = [](const char* tex) { return test::error_of([&] { mathml(tex); }); };
  EXPECT_NE(error("a \\sigmma b").find("\\sigmma that is not known; did you mean 'sigma'?, at character 3"),
            std::string::npos)
      << error("a \\sigmma b");
  EXPECT_NE(error("\\begin{cases}").find("\\begin that is not known"), std::string::npos);
  EXPECT_NE(error("a & b").find("'&'"), std::string::npos);
  for (const char* tex : {"\\frac{1}", "{a", "a}", "a_", "^2", "a_1_2", "\\sqrt[3", "\\left( a", "\\left a \\right)",
                          "\\mathbb{EE}", "\\mathbb{e}", "\\text{a", "\\", "a \\right)", "\\text a"})
    EXPECT_NE(error(tex), "no error") << tex;
  EXPECT_NE(error((std::string(100000, '{')).c_str()).find("groups deep"), std::string::npos) << "no deep recursion";
}

TEST(Tex, NamesAreDistinct) {
  const std::vector<std::string> names = tex_symbol_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
}

}  // namespace
}  // namespace fanin
