// The mean-field maps against closed forms: ReLU's arc-cosine kernel, linear networks, and tanh's published numbers.
// SPDX-License-Identifier: MIT
#include "init/mean_field.h"

#include "init/gaussian_mean.h"
#include "layers/activation.h"
#include "tests/support/error_of.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace fanin {
namespace {

// Rounding of a sum of about 1700 positive terms in double.
constexpr double kRounding = 2000 * 0x1p-53;

TEST(GaussianMean, KnowsTheMomentsOfAGaussian) {
  for (const double kink : {0.0, 0.7, -5.0, 13.0}) {
    EXPECT_NEAR(gaussian_mean([](double) { return 1.0; }, kink), 1.0, kRounding);
    EXPECT_NEAR(gaussian_mean([](double z) { return z * z; }, kink), 1.0, kRounding);
    EXPECT_NEAR(gaussian_mean([](double z) { return z * z * z * z; }, kink), 3.0, 3 * kRounding);
    EXPECT_NEAR(gaussian_mean([](double z) { return std::cos(z); }, kink), std::exp(-0.5), kRounding);
  }
  EXPECT_NEAR(gaussian_mean([](double z) { return z > 0.7 ? 1.0 : 0.0; }, 0.7), 0.5 * std::erfc(0.7 / std::sqrt(2.0)),
              kRounding);
}

TEST(MeanField, LinearNetworksMultiply) {
  const MeanField field("identity", 1.3, 0.2);
  for (const double q : {1e-6, 0.4, 17.0}) {
    EXPECT_NEAR(field.length(q), 1.3 * q + 0.2, 2 * kRounding * (q + 1));
    EXPECT_NEAR(field.chi1(q), 1.3, 2 * kRounding);
    EXPECT_NEAR(field.length_slope(q), 1.3, 2 * kRounding);
    EXPECT_NEAR(field.correlation(0.3, q), (1.3 * 0.3 * q + 0.2) / (1.3 * q + 0.2), 4 * kRounding);
  }
  EXPECT_FALSE(field.fixed_length());
  EXPECT_NEAR(*MeanField("identity", 0.5, 0.2).fixed_length(), 0.4, 1e-12);
}

// Cho & Saul 2009, arc-cosine kernel of degree 1; He et al. 2015: half of the second moment is lost.
double arc_cosine(double c) {
  return (std::sqrt(1.0 - c * c) + c * (std::numbers::pi - std::acos(c))) / std::numbers::pi;
}

TEST(MeanField, ReluIsTheArcCosineKernel) {
  for (const double variance : {0.5, 2.0, 3.0}) {
    const MeanField field("relu", variance);
    for (const double q : {1e-8, 1.0, 1e5}) {
      EXPECT_NEAR(field.length(q) / q, variance / 2, variance * kRounding);
      EXPECT_NEAR(field.chi1(q), variance / 2, variance * kRounding);
      for (const double c : {-0.9, 0.0, 0.3, 0.99, 0.99999}) {
        EXPECT_NEAR(field.correlation(c, q), arc_cosine(c), 4 * kRounding) << c;
        // Degree 0: the derivative of the above.
        EXPECT_NEAR(field.chi(c, q), variance / 2 * (1.0 - std::acos(c) / std::numbers::pi), variance * 4 * kRounding)
            << c;
      }
    }
  }
  double c = 0.0;  // the course over layers of the critical network
  const MeanField critical("relu", 2.0);
  for (int layer = 0; layer < 3; ++layer) c = critical.correlation(c, 1.0);
  EXPECT_NEAR(c, 0.6048, 5e-5);
}

TEST(MeanField, ReluHasAFixedLengthOnlyOnOneSide) {
  EXPECT_EQ(MeanField("relu", 2.0).fixed_length(), 1.0);  // as any other
  EXPECT_FALSE(MeanField("relu", 2.1).fixed_length());
  EXPECT_EQ(MeanField("relu", 1.9).fixed_length(), 0.0);
  EXPECT_NEAR(*MeanField("relu", 1.0, 0.3).fixed_length(), 0.6, 1e-12);
  EXPECT_NEAR(critical_point("relu")->weight_variance, 2.0, 4 * kRounding);
  EXPECT_FALSE(critical_point("relu", 0.05));
}

// The values that the theory gives for tanh with bias variance 0.05 (Schoenholz et al. 2017, figure 2), to their digits.
TEST(MeanField, TanhHasThePublishedPhases) {
  const CriticalPoint critical = *critical_point("tanh", 0.05);
  EXPECT_NEAR(critical.weight_variance, 1.76095, 5e-6);
  EXPECT_NEAR(critical.length, 0.57005, 5e-6);
  const struct {
    double variance, chi1, depth, unit;  // of the depth's last digit
  } rows[] = {{1.0, 0.7590, 3.63, 0.01}, {1.4, 0.9110, 10.73, 0.01}, {1.7, 0.9867, 74.9, 0.1}};
  for (const auto& row : rows) {
    const MeanField field("tanh", row.variance, 0.05);
    const double q = *field.fixed_length();
    EXPECT_NEAR(field.length(q), q, 1e-13);
    EXPECT_NEAR(field.chi1(q), row.chi1, 5e-5);
    EXPECT_EQ(field.fixed_correlation(q), 1.0);
    EXPECT_NEAR(field.correlation_depth(q), row.depth, row.unit / 2);
  }
  const MeanField chaotic("tanh", 2.5, 0.05);
  const double q = *chaotic.fixed_length(), c = chaotic.fixed_correlation(q);
  EXPECT_NEAR(chaotic.chi1(q), 1.1335, 5e-5);
  EXPECT_LT(c, 0.99);
  EXPECT_NEAR(chaotic.correlation(c, q), c, 1e-10);
  EXPECT_LT(chaotic.chi(c, q), 1.0);
  EXPECT_NEAR(critical_point("tanh")->weight_variance, 1.0, 1e-9);  // without bias: 1 / f'(0)^2
}

// The slope of a map is what a difference of the map says: central differences err by h^2/6 times a third derivative,
// here below 1e-7 at h = 1e-4, and by rounding / h.
TEST(MeanField, SlopesAreThoseOfTheMaps) {
  for (const std::string& name : activation_kinds()) {
    const MeanField field(name, 1.5, 0.1);
    const double q = 0.8, h = 1e-4;
    EXPECT_NEAR(field.length_slope(q), (field.length(q + h) - field.length(q - h)) / (2 * h), 1e-7) << name;
    const double slope = (field.correlation(0.4 + h, q) - field.correlation(0.4 - h, q)) / (2 * h);
    EXPECT_NEAR(field.chi(0.4, q) * q / field.length(q), slope, 1e-7) << name;
  }
}

TEST(MeanField, EveryActivationHasItsDerivative) {
  for (const std::string& name : activation_kinds()) {
    const auto f = activation_functions::by_name(name), d = activation_functions::derivative_by_name(name);
    ASSERT_NE(d, nullptr) << name;
    for (const double x : {-3.0, -0.4, 0.3, 2.0})
      EXPECT_NEAR(d(x), (f(x + 1e-5) - f(x - 1e-5)) / 2e-5, 1e-9) << name << " at " << x;
  }
}

TEST(MeanField, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(test::error_of([] { MeanField("tahn", 1.0); }).find("did you mean 'tanh'"), std::string::npos);
  EXPECT_NE(test::error_of([] { MeanField("tanh", -1.0); }).find("negative"), std::string::npos);
}

}  // namespace
}  // namespace fanin
