// From the start of `fanin train` on an imported data set of CIFAR-10's size to the first step there is less than a second.
// Measured in processor time, which other programs on the machine do not change; what is waited for besides is the disk.
// SPDX-License-Identifier: MIT
#include "data/cache.h"
#include "data/synthetic.h"
#include "tests/support/command.h"

#include <sys/resource.h>

namespace fanin {
namespace {

double children_seconds() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST(Startup, TheFirstStepComesWithinASecond) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the address sanitizer makes everything slower";
#endif
  const test::Path folder = test::scratch_folder();
  // 60,000 images: 200 drawn ones, again and again.
  Dataset small = synthetic_dataset({.train = 200, .test = 200});
  Dataset large = small;
  std::vector<std::uint8_t> pixels[2];
  std::vector<std::int32_t> labels[2];
  const auto repeat = [&](const Split& from, int times, std::size_t k) {
    for (int i = 0; i < times; ++i) {
      pixels[k].insert(pixels[k].end(), from.pixels.begin(), from.pixels.end());
      labels[k].insert(labels[k].end(), from.labels.begin(), from.labels.end());
    }
    return Split{pixels[k], labels[k]};
  };
  large.train = repeat(small.train, 250, 0);
  large.test = repeat(small.test, 50, 1);
  large.fingerprint = measure_fingerprint(large);
  write_cache(folder / "large.fanin", large);
  ASSERT_GT(std::filesystem::file_size(folder / "large.fanin"), 180'000'000u);

  const double before = children_seconds();
  const test::CommandResult result = test::run_fanin(folder,
                                                     "train --data large.fanin --model wrn-16-1 --batch 16 --threads 1 "
                                                     "--epochs 1 --max-steps 1 --test-size 10 --run a");
  const double spent = children_seconds() - before;
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_LT(spent, 1.0) << "seconds of the processor";
}

}  // namespace
}  // namespace fanin
