// docs/study: its tables and its figure come from its raw runs, and the program still makes them so.
// SPDX-License-Identifier: MIT
#include "tests/support/command.h"

namespace fanin {
namespace {

TEST(Study, TablesComeFromTheRawRuns) {
  const test::Path folder = test::scratch_folder(), study = test::Path(FANIN_SOURCE_DIR) / "docs/study";
  ASSERT_EQ(std::system(("tar -xzf '" + (study / "runs.tar.gz").string() + "' -C '" + folder.string() + "'").c_str()),
            0);
  const test::CommandResult result = test::run_fanin(folder, "report study");
  ASSERT_EQ(result.exit_code, 0) << result.output;
  for (const char* file : {"ranking.md", "overview.svg"})
    EXPECT_EQ(test::file_text(folder / "study" / file), test::file_text(study / file)) << file;
  const std::string text = test::file_text(study / "README.md");
  std::istringstream rows(test::file_text(study / "ranking.md"));
  int quoted = 0;
  for (std::string row; std::getline(rows, row);)
    if (row.starts_with("| ") && row != "| --- |") {
      EXPECT_NE(text.find(row), std::string::npos) << "README.md does not have " << row;
      ++quoted;
    }
  EXPECT_GE(quoted, 36) << "six schemes on six networks";
}

}  // namespace
}  // namespace fanin
