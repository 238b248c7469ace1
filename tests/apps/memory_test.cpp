// The peak memory that `fanin summary` announces is what a training process then has, within 5 %. Three families, each large
// enough that an error of a twentieth is more than the program itself; one and several threads.
// SPDX-License-Identifier: MIT
#include "apps/study/memory.h"

#include "tests/support/command.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <ostream>

namespace fanin {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

// The number of MiB behind `word` in what summary prints.
double announced(const std::string& text, const std::string& word) {
  const std::size_t at = text.find(word + " ");
  EXPECT_NE(at, std::string::npos) << word << " in " << text;
  return at == std::string::npos ? 0.0 : std::atof(text.c_str() + at + word.size() + 1);
}

struct MemoryCase {
  const char* model;
  int batch;
};
void PrintTo(const MemoryCase& c, std::ostream* out) { *out << c.model << " batch " << c.batch; }

class Memory : public ::testing::TestWithParam<MemoryCase> {};

TEST_P(Memory, SummaryAnnouncesThePeakOfATrainingStep) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the address sanitizer has memory of its own";
#endif
  const auto [model, batch] = GetParam();
  const test::Path folder = test::scratch_folder();
  const std::string at_batch = std::string(model) + " --batch " + std::to_string(batch);
  for (const int threads : {1, 2}) {
    const test::CommandResult summary =
        test::run_fanin(folder, "summary " + at_batch + " --threads " + std::to_string(threads));
    ASSERT_EQ(summary.exit_code, 0) << summary.output;
    const double expected = announced(summary.output, "peak memory");
    // Its parts add up, each rounded to a tenth.
    double sum = 0.0;
    for (const char* part : {"weights", "momentum", "activations", "scratch with one layer's gradients", "images", "program"})
      sum += announced(summary.output.substr(summary.output.find("peak memory")), part);
    EXPECT_NEAR(sum, expected, 0.05 * 7) << summary.output;
    EXPECT_GT(expected, 20 * 15.0 / 2) << "too small to show an error";
    const test::CommandResult bench = test::run_fanin(
        folder, "bench train --seconds 0.01 --json --model " + at_batch + " --threads " + std::to_string(threads));
    ASSERT_EQ(bench.exit_code, 0) << bench.output;
    const double measured = nlohmann::json::parse(bench.output)["peak_rss_bytes"].get<double>() / kMebibyte;
    EXPECT_NEAR(measured / expected, 1.0, 0.05)
        << at_batch << ", " << threads << " threads: announced " << expected << " MiB, measured " << measured;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Memory,
                         ::testing::Values(MemoryCase{"wrn-16-1", 256}, MemoryCase{"densenet-bc-40-12", 72},
                                           MemoryCase{"resnext-29-2x4d", 24}, MemoryCase{"vgg-11", 32}));

TEST(MemoryOfThisProcess, GrowsWithWhatItTouches) {
  const std::uint64_t before = resident_memory();
  constexpr std::size_t kBytes = 64 << 20;
  std::vector<char> block(kBytes, 1);
  EXPECT_GE(resident_memory(), before + kBytes * 15 / 16);
  EXPECT_GE(peak_memory(), resident_memory() - (1 << 20));
  EXPECT_EQ(block[kBytes / 2], 1);
}

}  // namespace
}  // namespace fanin
