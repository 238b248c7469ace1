// PyTorch's streams against values that PyTorch 1.13.1 prints (x86-64), and against values quoted in its issues
// pytorch#79703 and #80202.
// SPDX-License-Identifier: MIT
#include "init/torch_draws.h"

#include "init/catalog.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

std::vector<float> normals(std::uint64_t seed, std::size_t count) {
  std::vector<float> w(count);
  TorchDraws(seed).normal(w, 0.0, 1.0);
  return w;
}

void expect_close(const std::vector<float>& got, const std::vector<double>& expected, double digits) {
  ASSERT_GE(got.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(got[i], expected[i], digits) << i;
}

TEST(TorchDraws, TheEngineIsMt19937) {
  TorchDraws draws(0);
  for (const std::uint32_t expected : {2357136044u, 2546248239u, 3071714933u, 3626093760u})
    EXPECT_EQ(draws.bits32(), expected);
  // Output 10000 under seed 5489 is 4123659995, the check value of the C++ standard ([rand.predef]).
  TorchDraws standard(5489);
  std::uint32_t last = 0;
  for (int i = 0; i < 10000; ++i) last = standard.bits32();
  EXPECT_EQ(last, 4123659995u);
  EXPECT_EQ(TorchDraws(std::uint64_t{1} << 32).bits32(), TorchDraws(0).bits32()) << "only 32 bits of the seed count";
}

TEST(TorchDraws, UniformsBitForBit) {
  const std::pair<std::uint64_t, std::vector<int>> cases[] = {
      {0, {8325804, 12888623, 1484405, 2215104, 5157699, 10638075, 8222403, 15039847}},
      {1, {12710949, 4686059, 6762380, 12325960, 491263, 13419401, 6662859, 12656261}},
      {42, {14802022, 15351219, 6423388, 16094478, 6550634, 10081351, 4304572, 13315092}}};
  for (const auto& [seed, expected] : cases) {
    std::vector<float> w(8);
    TorchDraws(seed).uniform(w, 0.0, 1.0);
    for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(w[i], static_cast<float>(expected[i]) * 0x1p-24f);
  }
}

// Half a unit of the last digit that was printed.
TEST(TorchDraws, NormalsInBlocksPairsAndWithATail) {
  expect_close(normals(0, 16),
               {-1.1258398, -1.1523602, -.2505786, -.4338789, .8487103, .6920092, -.3160128, -2.1152195, .3222750,
                -1.2633348, .3499832, .3081339, .1198415, 1.2376579, 1.1167772, -.2472777},
               5e-7);
  expect_close(normals(0, 15),
               {1.5410, -.2934, -2.1788, .5684, -1.0845, -1.3986, .4033, .8380, -.7193, -.4033, -.5966, .1820, -.8567,
                1.1006, -1.0712},
               5.1e-5);
  expect_close(normals(0, 20),
               {-1.125840, -1.152360, -.250579, -.433879, .598839, -1.555095, -.341360, 1.853006, .468096,  -.157712,
                1.443660,  .266049,   1.389366, 1.586334, .946298, -.843677,  .931827,  1.259009, 2.004981, .053737},
               6e-7);
  expect_close(normals(42, 16),
               {1.9269151, 1.4872841, .9007172, -2.1055212, .6784183, -1.2345449, -.0430674, -1.6046669, -.7521359,
                1.6487229, -.3924786, -1.4036068, -.7278814, -.5594301, -.7688389, .7624455},
               5e-7);
}

TEST(TorchDraws, TheSecondNormalOfAPairWaitsForTheNextSmallTensor) {
  TorchDraws draws(0);
  std::vector<float> first(3), large(16), second(2);
  draws.normal(first, 0.0, 1.0);
  draws.normal(large, 0.0, 1.0);  // does not touch the cache
  draws.normal(second, 0.0, 1.0);
  EXPECT_NEAR(second[0], 0.5684, 5.1e-5) << "the fourth of randn(15)";
}

TEST(TorchDraws, Permutations) {
  EXPECT_EQ(TorchDraws(0).permutation(10), (std::vector<std::uint32_t>{4, 1, 7, 5, 3, 9, 0, 8, 6, 2}));
  EXPECT_EQ(TorchDraws(42).permutation(10), (std::vector<std::uint32_t>{2, 6, 1, 8, 4, 5, 0, 9, 3, 7}));
}

// torch.manual_seed(0); kaiming_normal_(torch.empty(8, 3, 3, 3), mode='fan_out'): 216 elements, so with a tail.
TEST(TorchDraws, AnInitializerOnTop) {
  std::vector<float> w(216);
  TorchDraws draws(0);
  make_initializer("kaiming_normal:mode=fan_out")->fill(WeightShape::conv(3, 3, 8, 1), w, draws);
  expect_close(w, {-.1876400, -.1920600, -.0417631, -.0723131}, 2e-7);
  expect_close({w.end() - 4, w.end()}, {.1618541, .2417084, -.0086515, -.1047385}, 2e-7);
  double sum = 0.0, squares = 0.0;
  for (const float v : w) {
    sum += v;
    squares += static_cast<double>(v) * v;
  }
  EXPECT_NEAR(sum, .942416, 216 * 1e-7);
  EXPECT_NEAR(squares, 5.633293, 2 * 2.374 * std::sqrt(216.0) * 1e-7);  // 2 |w| sqrt(n) times 1e-7 each
}

}  // namespace
}  // namespace fanin
