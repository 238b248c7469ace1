// What theory says about convolutions without a border, on the pixels that see none: section by section the facts that
// the lessons skipinit, wrn-gamma and xiao2018 show.
// SPDX-License-Identifier: MIT
#include "apps/lessons/interior.h"

#include "apps/study/statistics.h"
#include "core/check.h"
#include "init/mean_field.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

// x and -x are equally likely for every weight, so that E relu(x)^2 = E x^2 / 2 holds exactly and He's rule makes a
// branch as large as its input: on average a block doubles the second moment, at any width. Single networks scatter.
TEST(ResidualSignal, DoublesWithEachBlockWithoutNorm) {
  const std::vector<OverSeeds> x = interior_squares(ten_blocks(",norm=none", "kaiming_normal", 60));
  const Doubling found = doubling(x);
  EXPECT_LT(found.error, 0.025) << "the next line must be able to fail";
  EXPECT_NEAR(found.slope, 1.0, 0.05);
}

// BatchNorm sets a branch to the same size, whatever it reads: the sum grows linearly.
TEST(ResidualSignal, GrowsLinearlyWithBatchNorm) {
  const std::vector<OverSeeds> x = interior_squares(ten_blocks("", "kaiming_normal", 6));
  std::vector<double> y;
  for (const OverSeeds& one : x) y.push_back(one.mean());
  double sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
  const double n = static_cast<double>(y.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double l = static_cast<double>(i);
    sx += l, sy += y[i], sxx += l * l, sxy += l * y[i], syy += y[i] * y[i];
  }
  const double r = (n * sxy - sx * sy) / std::sqrt((n * sxx - sx * sx) * (n * syy - sy * sy));
  EXPECT_GT(r * r, 0.98);
  // A little above 1: BatchNorm also counts pixels at the border, where a padded convolution gives less.
  const double slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  EXPECT_GT(slope, 1.0);
  EXPECT_LT(slope, 1.2);
}

// (1 + 1 / d)^d = 2.59 for d = 10: between 2.5 and e.
TEST(ResidualSignal, IsBoundedByEWithOneOverRootDepth) {
  const std::vector<OverSeeds> x = interior_squares(
      ten_blocks(",norm=none,residual=skipinit", "kaiming_normal;scalar_multiplier=constant:value=0.31622777", 40));
  double ratio = 0.0;
  for (std::size_t s = 0; s < x[0].values.size(); ++s) ratio += x[10].values[s] / x[0].values[s] / 40.0;
  EXPECT_GT(ratio, 2.5);
  EXPECT_LT(ratio, 2.9);
}

// gamma^2 has mean 1/3 under U(0, 1), and multiplies what the branch's last convolution reads.
TEST(ResidualSignal, BranchesFollowTheSquareOfGamma) {
  const auto branch = [](const std::string& scheme) {
    InteriorPlan plan{
        .model = "wrn-16-2", .scheme = scheme + ";group1.*=zeros;group2.*=zeros", .nodes = {"group0.block1.conv1"}};
    plan.side = 32, plan.rim = 6, plan.images = 2, plan.seeds = 40;
    return interior_squares(plan)[0];
  };
  const OverSeeds one = branch("gamma-one"), uniform = branch("gamma-uniform");
  // (n - 1)-spread of gamma^2 is 0.298 over 32 channels and 40 seeds: 0.008 of 1/3; the rest is what the spread shows.
  const double error = std::hypot(uniform.standard_error(), one.standard_error() / 3) / one.mean();
  EXPECT_LT(error, 0.03);
  EXPECT_NEAR(uniform.mean() / one.mean(), 1.0 / 3, 5 * error);
  EXPECT_NEAR(one.mean(), 1.0, 5 * one.standard_error());
  EXPECT_EQ(branch("gamma-one;*.conv1.weight=zeros").mean(), 0.0);
}

// Xiao et al. (2018), section 2: chi1 of a convolutional network is that of the fully connected one. The corrections
// are of the order of layers / fan_in, 0.9 % here for the longest product, or 0.1 % a layer.
TEST(ConvolutionalMeanField, ChiIsThatOfThePerceptron) {
  for (const double variance : {1.2, 1.76, 2.5}) {
    const MeanField field("tanh", variance, 0.05);
    const double q = *field.fixed_length(), chi = field.chi1(q);
    ChainPlan plan{.layers = 10,
                   .width = 32,
                   .kernel = 3,
                   .side = 24,
                   .weight_variance = variance,
                   .bias_variance = 0.05,
                   .length = q,
                   .seeds = 60};
    const PerLayer conv = per_layer(gradient_growth(plan), plan.layers);
    plan.kernel = 1, plan.side = 1, plan.width = 96;
    const PerLayer linear = per_layer(gradient_growth(plan), plan.layers);
    EXPECT_LT(std::max(conv.error, linear.error), 0.015);
    EXPECT_NEAR(conv.factor, chi, 5 * conv.error + chi / 216) << variance;
    EXPECT_NEAR(linear.factor, chi, 5 * linear.error + chi / 96) << variance;
  }
}

TEST(Interior, UnknownNodesAreNamed) {
  InteriorPlan plan{.model = "plain-4-4", .scheme = "zeros", .nodes = {"conv7"}};
  plan.side = 8, plan.rim = 1, plan.seeds = 1;
  EXPECT_THROW(interior_squares(plan), Error);
}

}  // namespace
}  // namespace fanin
