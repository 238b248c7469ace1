// fanin lesson, as a person uses it.
// SPDX-License-Identifier: MIT
#include "tests/support/command.h"

#include <gtest/gtest.h>

namespace fanin::test {

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(LessonCommand, ListsTheCourseInBothLanguages) {
  const Path folder = scratch_folder();
  const CommandResult english = run_fanin(folder, "lesson list"), chinese = run_fanin(folder, "lesson list --lang zh");
  EXPECT_EQ(english.exit_code, 0);
  EXPECT_TRUE(has(english.output, "symmetry")) << english.output;
  EXPECT_TRUE(has(english.output, "Equal weights stay equal"));
  EXPECT_EQ(chinese.exit_code, 0);
  EXPECT_TRUE(has(chinese.output, "相等的权重永远相等")) << chinese.output;
}

TEST(LessonCommand, RunsOneDoesNotWaitInAPipeAndWritesItsPageAndTheIndex) {
  const Path folder = scratch_folder();
  const CommandResult result = run_fanin(folder, "lesson symmetry --quick --threads 1 --out course --predict b");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_TRUE(has(result.output, "HOLDS: ")) << result.output;
  EXPECT_TRUE(has(result.output, "You said b."));
  EXPECT_TRUE(has(result.output, "What differs from the source"));
  EXPECT_TRUE(has(result.output, (folder / "course" / "symmetry.html").string()));
  EXPECT_TRUE(has(file_text(folder / "course" / "symmetry.html"), "<svg"));
  EXPECT_TRUE(has(file_text(folder / "course" / "index.html"), "symmetry.html"));
  EXPECT_TRUE(has(file_text(folder / "course" / "symmetry.json"), "\"held\""));
}

TEST(LessonCommand, BadUseIsOneSentenceAndCodeTwo) {
  const Path folder = scratch_folder();
  const auto expect = [&](const std::string& arguments, const std::string& sentence) {
    const CommandResult result = run_fanin(folder, "lesson " + arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments;
    EXPECT_TRUE(has(result.output, sentence)) << result.output;
    EXPECT_FALSE(std::filesystem::exists(folder / "lessons"));
  };
  expect("symetry", "did you mean 'symmetry'?");
  expect("symmetry --predict q", "give a letter from a to c");
  expect("symmetry --lang fr", "--lang fr; give en or zh");
  expect("symmetry --quick --full", "exclude each other");
  expect("all --predict a", "give it with one");
  expect("symmetry --threads 0x", "--threads");
}

TEST(LessonCommand, AFolderThatCannotBeWrittenIsCodeFive) {
  const Path folder = scratch_folder();
  write_file(folder / "file", "");
  const CommandResult result = run_fanin(folder, "lesson symmetry --quick --out file/course");
  EXPECT_EQ(result.exit_code, 5) << result.output;
}

}  // namespace

}  // namespace fanin::test
