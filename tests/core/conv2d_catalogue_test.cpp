// Every convolution of the catalog's networks, with its real channels, groups and strides, on small images, by every rung
// against the definition. Large ones are looked at in some channels only: the first and last ones of the outer groups, and
// those around the edges of a vector and of a pack.
// SPDX-License-Identifier: MIT
#include "core/graph/convolutions.h"
#include "core/kernels/micro_lanes.h"
#include "models/catalog.h"
#include "tests/core/conv2d_check.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace fanin {
namespace {

using test::Case;

std::vector<std::string> networks() {
  std::vector<std::string> names = {"wrn-16-1",          "wrn-28-10",
                                    "resnext-29-4x16d",  "resnext-29-8x16d",
                                    "resnext-29-32x4d",  "resnext-29-2x4d:widen=1",
                                    "densenet-bc-40-12", "convmixer-2-20:kernel=9"};
  for (const ModelEntry& entry : model_catalog()) names.emplace_back(entry.example);
  return names;
}

std::vector<int> edges(int channels, int groups) {
  const int width = channels / groups;
  std::set<int> chosen;
  for (const int group : {0, groups - 1})
    for (const int k : {0, 1, 15, 16, 17, 31, 32, width / 2, width - 2, width - 1})
      if (k >= 0 && k < width) chosen.insert(group * width + k);
  return {chosen.begin(), chosen.end()};
}

// 7 x 6 pixels are tiles of F(4x4) and F(2x2) with a remainder both ways; 1x1 convolutions get more than the 64 pixels of
// a block, or two blocks of 128.
std::vector<Case> catalogue_cases(bool whole_blocks = false) {
  std::vector<Case> result;
  std::set<std::tuple<int, int, int, int, int, int>> seen;
  for (const std::string& name : networks())
    for (const Convolution& c : convolutions(build_model(name, {1, 32, 32, 3}, 10).network.summary())) {
      const Conv2d& k = c.conv;
      if (!seen.insert({k.in_channels, k.out_channels, k.kernel, k.stride, k.padding, k.groups}).second) continue;
      const bool small = k.weight_shape().size() <= 9 * 64 * 64;
      Shape x{small ? 2 : 1, 7, 6, k.in_channels};
      if (k.kernel == 1) x.height = 11 * k.stride, x.width = 8 * k.stride - 1;
      if (k.kernel == 1 && whole_blocks) x.height = 16 * k.stride, x.width = 15 * k.stride + 1;
      if (k.padding == 0 && k.kernel > 1) x.height += k.kernel, x.width += k.kernel;
      result.push_back({k, x, edges(k.in_channels, k.groups), edges(k.out_channels, k.groups)});
    }
  return result;
}

int check_catalogue(const ConvCandidate& rung, const test::WinogradAlgorithm* winograd = nullptr) {
  int fitting = 0;
  for (const Case& c : catalogue_cases(&rung == &conv_strassen)) {
    test::check(rung, c, true, winograd);
    if (::testing::Test::HasFatalFailure()) return 0;
    fitting += rung.fits(c.conv, c.x, ConvProduct::forward);
  }
  return fitting;
}

TEST(Conv2dCatalogue, GemmIsTheDefinition) { EXPECT_GT(check_catalogue(conv_gemm), 150); }
TEST(Conv2dCatalogue, DirectIsTheDefinition) { EXPECT_GT(check_catalogue(conv_direct), 150); }
TEST(Conv2dCatalogue, DepthwiseIsTheDefinition) { EXPECT_EQ(check_catalogue(conv_depthwise), 2); }
TEST(Conv2dCatalogue, GroupedIsTheDefinition) {  // vectors of 4 lanes have no tile for groups of 8
  EXPECT_GE(check_catalogue(conv_grouped), micro::kWidestLaneGroup == 8 ? 5 : 3);
}
TEST(Conv2dCatalogue, PointwiseIsTheDefinition) { EXPECT_GT(check_catalogue(conv_pointwise), 60); }
TEST(Conv2dCatalogue, StrassenIsTheDefinition) { EXPECT_GT(check_catalogue(conv_strassen), 20); }
class Conv2dCatalogueAmx : public test::MatrixUnit {};
TEST_P(Conv2dCatalogueAmx, IsTheDefinition) { EXPECT_GT(check_catalogue(conv_amx), 60); }
INSTANTIATE_TEST_SUITE_P(Precisions, Conv2dCatalogueAmx, test::kMatrixUnitPrecisions);
TEST(Conv2dCatalogue, Winograd2IsTheDefinition) {
  const test::WinogradAlgorithm m = test::winograd2();
  EXPECT_GT(check_catalogue(conv_winograd2, &m), 60);
}
TEST(Conv2dCatalogue, Winograd4IsTheDefinition) {
  const test::WinogradAlgorithm m = test::winograd4();
  EXPECT_GT(check_catalogue(conv_winograd4, &m), 60);
}
TEST(Conv2dCatalogue, Strided2IsTheDefinition) {
  const test::WinogradAlgorithm m = test::strided2();
  EXPECT_GE(check_catalogue(conv_strided2, &m), 7);
}

// What the networks run by default fits somewhere above gemm, in every product.
TEST(Conv2dCatalogue, NoConvolutionIsLeftToGemm) {
  for (const Case& c : catalogue_cases())
    for (const ConvProduct p : {ConvProduct::forward, ConvProduct::backward_input, ConvProduct::backward_weights})
      EXPECT_NE(conv2d_choice(c.conv, c.x, p), "gemm") << test::describe(c);
}

}  // namespace
}  // namespace fanin
