// What schemes claim, in Chinese: of every one, and of no other.
// SPDX-License-Identifier: MIT
#include "apps/study/catalog_zh.h"

#include "init/catalog.h"
#include "init/network_catalog.h"
#include "tests/support/command.h"

#include <gtest/gtest.h>

#include <set>

namespace fanin {
namespace {

TEST(CatalogZh, HasEveryClaimOnce) {
  std::set<std::string_view> names;
  for (const InitializerEntry& e : initializer_catalog()) names.insert(e.name);
  for (const NetworkEntry& e : network_catalog()) names.insert(e.name);
  for (const std::string_view name : names) EXPECT_FALSE(claim_zh(name).empty()) << name;
  for (const std::string_view name : names_with_claim_zh()) EXPECT_TRUE(names.erase(name)) << name;
  EXPECT_TRUE(names.empty());
}

TEST(CatalogZh, StandsBesideTheEnglish) {
  const test::Path folder = test::scratch_folder();
  const std::string list = test::run_fanin(folder, "list schemes --lang zh").output,
                    explained = test::run_fanin(folder, "explain lsuv --lang zh").output;
  for (const std::string& text : {list, explained}) {
    EXPECT_NE(text.find("plain networks of 17-19 layers train"), std::string::npos) << text;
    EXPECT_NE(text.find("17 到 19 层的无捷径网络"), std::string::npos) << text;
  }
  EXPECT_EQ(test::run_fanin(folder, "list schemes").output.find("无捷径"), std::string::npos);
  const test::CommandResult wrong = test::run_fanin(folder, "explain lsuv --lang fr");
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_NE(wrong.output.find("--lang fr; give en or zh"), std::string::npos) << wrong.output;
}

}  // namespace
}  // namespace fanin
