// MetaInit repairs scales that are wrong on purpose.
// SPDX-License-Identifier: MIT
#include "init/metainit.h"

#include "init/catalog.h"
#include "init/scale_search.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

using test::Specimen;

// How much one step along the gradient, a hundredth of |w| long, turns the gradient: 1 - cos of the angle.
double turn(Specimen& s) {
  WatchedPasses passes(s.net(), 1);
  loss_and_gradients(s.net(), passes, s.batch());
  const std::vector<float> g(s.net().gradients().begin(), s.net().gradients().end());
  double gg = 0.0, ww = 0.0;
  for (std::size_t i = 0; i < g.size(); ++i) {
    gg += static_cast<double>(g[i]) * static_cast<double>(g[i]);
    ww += static_cast<double>(s.net().values()[i]) * static_cast<double>(s.net().values()[i]);
  }
  const double h = 0.01 * std::sqrt(ww / gg);
  for (std::size_t i = 0; i < g.size(); ++i) s.net().values()[i] -= static_cast<float>(h * static_cast<double>(g[i]));
  loss_and_gradients(s.net(), passes, s.batch());
  double product = 0.0, square = 0.0;
  for (std::size_t i = 0; i < g.size(); ++i) {
    product += static_cast<double>(g[i]) * static_cast<double>(s.net().gradients()[i]);
    square += static_cast<double>(s.net().gradients()[i]) * static_cast<double>(s.net().gradients()[i]);
  }
  return 1.0 - product / std::sqrt(gg * square);
}

TEST(MetaInit, TheGradientTurnsLessThanBefore) {
  for (const char* base : {"fail-large", "kaiming_normal"}) {
    Specimen before("plain-5-4:act=tanh"), after("plain-5-4:act=tanh");
    make_scheme(base)->apply(before.net(), {}, 1);
    make_scheme(std::string("metainit:base=") + base)->apply(after.net(), after.batch(), 1);
    EXPECT_LT(turn(after), turn(before)) << base;
  }
}

TEST(MetaInit, OnlyScalesChange) {
  Specimen before("plain-4-4:act=tanh"), after("plain-4-4:act=tanh");
  make_scheme("kaiming_normal")->apply(before.net(), {}, 1);
  make_scheme("metainit:rounds=3")->apply(after.net(), after.batch(), 1);
  for (const WeightLayer& layer : weight_layers(after.net())) {
    const std::span<float> w = before.net().find_parameter(layer.weight->name)->value;
    const double factor = static_cast<double>(layer.weight->value[0]) / static_cast<double>(w[0]);
    for (std::size_t i = 0; i < w.size(); ++i)  // three roundings, and three in the factor
      EXPECT_NEAR(layer.weight->value[i], factor * static_cast<double>(w[i]),
                  6 * 0x1p-24 * std::fabs(factor * static_cast<double>(w[i])));
  }
}

}  // namespace
}  // namespace fanin
