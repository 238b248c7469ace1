// SPDX-License-Identifier: MIT
#include "init/gain.h"

#include "core/activation_functions.h"
#include "core/check.h"
#include "core/rng.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

TEST(Gain, TheTableOfTorch) {
  for (const char* name : {"linear", "sigmoid", "conv2d", "conv_transpose1d"}) EXPECT_EQ(torch_gain(name), 1.0) << name;
  EXPECT_DOUBLE_EQ(torch_gain("tanh"), 5.0 / 3.0);
  EXPECT_DOUBLE_EQ(torch_gain("relu"), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(torch_gain("leaky_relu"), 1.4141428569978354);  // without a slope: 0.01
  EXPECT_DOUBLE_EQ(torch_gain("leaky_relu", 0.0), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(torch_gain("leaky_relu", 10.0), 0.14071950894605836);
  EXPECT_EQ(torch_gain("selu"), 0.75);
  for (const char* name : {"gelu", "elu", "silu", "identity"}) EXPECT_THROW(torch_gain(name), Error) << name;
  for (const std::string& name : torch_gain_names()) EXPECT_GT(torch_gain(name), 0.0);
}

// E f(z)^2 in closed form: 1/2 for relu; 1 for linear and, by its construction, selu with f's fixed point at variance 1;
// E sigmoid(z)^2 and E gelu(z)^2 by independent quadrature (Gauss-Legendre in 50-digit arithmetic).
TEST(Gain, ExactGainsKeepTheSecondMoment) {
  EXPECT_NEAR(exact_gain("linear"), 1.0, 1e-12);
  EXPECT_NEAR(exact_gain("relu"), std::sqrt(2.0), 1e-12);
  EXPECT_DOUBLE_EQ(exact_gain("leaky_relu", 0.2), std::sqrt(2.0 / 1.04));
  EXPECT_NEAR(exact_gain("selu"), 1.0, 1e-7);
  for (const std::string& name : exact_gain_names()) EXPECT_GT(exact_gain(name), 0.0) << name;
  EXPECT_THROW(exact_gain("sgmoid"), Error);
}

// A Monte Carlo estimate of each: 200,000 draws, so within five standard errors.
TEST(Gain, ExactGainsAgreeWithSampling) {
  const Rng rng = Rng::stream(1, "gain");
  for (const std::string& name : exact_gain_names()) {
    const activation_functions::Function f = activation_functions::by_name(name);
    double sum = 0.0, squares = 0.0;
    constexpr int n = 200000;
    for (std::uint64_t i = 0; i < n; ++i) {
      const double y = f(rng.normal(i));
      sum += y * y;
      squares += y * y * y * y;
    }
    const double mean = sum / n, error = std::sqrt((squares / n - mean * mean) / n);
    const double expected = 1.0 / (exact_gain(name) * exact_gain(name));
    EXPECT_NEAR(mean, expected, 5.0 * error) << name;
  }
}

}  // namespace
}  // namespace fanin
