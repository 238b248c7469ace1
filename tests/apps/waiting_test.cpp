// A program among others does not burn the processor while its threads wait, unless the user wants that.
// SPDX-License-Identifier: MIT
#include "tests/support/command.h"

#include <nlohmann/json.hpp>

namespace fanin {
namespace {

std::string waiting_of_a_run(const std::string& environment) {
  const test::Path folder = test::scratch_folder();
  const test::CommandResult result = test::run_fanin(
      folder, "train --model mlp-1-8 --data synthetic:train=32,test=16 --batch 16 --epochs 1 --run r", environment);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  return nlohmann::json::parse(test::file_text(folder / "r/env.json")).at("waiting");
}

TEST(Waiting, IsShortUnlessTheUserSays) {
  EXPECT_EQ(waiting_of_a_run("env -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT"), "GOMP_SPINCOUNT=20000");
  EXPECT_EQ(waiting_of_a_run("env -u OMP_WAIT_POLICY GOMP_SPINCOUNT=7"), "GOMP_SPINCOUNT=7");
  EXPECT_EQ(waiting_of_a_run("env -u GOMP_SPINCOUNT OMP_WAIT_POLICY=active"), "OMP_WAIT_POLICY=active");
}

}  // namespace
}  // namespace fanin
