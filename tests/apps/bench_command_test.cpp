// fanin bench: its line of JSON says what was measured, and agrees with itself.
// SPDX-License-Identifier: MIT
#include "tests/support/command.h"

#include <nlohmann/json.hpp>

namespace fanin {
namespace {

nlohmann::json bench(const std::string& arguments) {
  static const test::Path folder = test::scratch_folder();
  const test::CommandResult result = test::run_fanin(folder, "bench train --seconds 0.05 --json " + arguments);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  return nlohmann::json::parse(result.output);
}

TEST(BenchCommand, TheJsonLineAgreesWithItself) {
  const nlohmann::json train = bench("--model wrn-10-1 --batch 8 --threads 1");
  EXPECT_EQ(train["model"], "wrn-10-1");
  EXPECT_EQ(train["batch"], 8);
  EXPECT_EQ(train["threads"], 1);
  EXPECT_GE(train["steps"], 3);
  const double seconds = train["step_ms_median"].get<double>() / 1e3;
  EXPECT_NEAR(train["images_per_second"].get<double>() * seconds, 8.0, 1e-9);
  // 12.5 million multiply-adds an image (tests/models), three products of two operations each, the first layer two.
  const double giga_operations = train["gflops"].get<double>() * seconds;
  EXPECT_NEAR(giga_operations, 8 * 2e-9 * (3 * 12.5e6 - 32 * 32 * 16 * 27), 8 * 2e-9 * 3 * 0.05e6);
  EXPECT_GT(train["peak_rss_bytes"], 1 << 20);
  const nlohmann::json eval = bench("--model wrn-10-1 --batch 8 --eval");
  EXPECT_EQ(eval["mode"], "eval");
  EXPECT_NEAR(eval["gflops"].get<double>() * eval["step_ms_median"].get<double>() / 1e3, 8 * 2e-9 * 12.5e6,
              8 * 2e-9 * 0.05e6);
}

TEST(BenchCommand, Refusals) {
  const test::Path folder = test::scratch_folder();
  for (const char* arguments :
       {"bench", "bench train --batch 0", "bench train --seconds 0", "bench train --model wrn-3-1"})
    EXPECT_EQ(test::run_fanin(folder, arguments).exit_code, 2) << arguments;
  EXPECT_EQ(test::run_fanin(folder, "bench train --model wrn-28-10 --batch 100000").exit_code, 6);
}

}  // namespace
}  // namespace fanin
