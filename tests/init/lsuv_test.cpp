// What LSUV leaves behind, measured by somebody else: on its batch, on a new one, with and without norm.
// SPDX-License-Identifier: MIT
#include "init/lsuv.h"

#include "init/catalog.h"
#include "init/layer_pass.h"
#include "tests/support/error_of.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace fanin {
namespace {

using test::Specimen;

// The variance of each node's output, about its mean.
std::map<std::string, double> variances(Specimen& s, const Batch& batch) {
  struct Look : Observer {
    std::map<std::string, double> found;
    void value(std::string_view node, ConstView v) override {
      double sum = 0.0, squares = 0.0;
      for (std::size_t p = 0; p < v.shape.pixels(); ++p)
        for (int c = 0; c < v.shape.channels; ++c) {
          sum += static_cast<double>(v.pixel(p)[c]);
          squares += static_cast<double>(v.pixel(p)[c]) * static_cast<double>(v.pixel(p)[c]);
        }
      const double n = static_cast<double>(v.shape.size());
      found[std::string(node)] = squares / n - sum / n * (sum / n);
    }
  } look;
  s.net().observe(&look);
  s.net().forward(batch.images, Mode::train);
  s.net().observe(nullptr);
  return look.found;
}

TEST(Lsuv, EveryOutputHasVarianceOne) {
  for (const char* model :
       {"plain-20-8", "plain-8-8:act=tanh", "mlp-6-40:act=sigmoid", "wrn-10-1", "resnet-8:norm=none"})
    for (const double tolerance : {0.1, 0.001}) {
      Specimen s(model);
      make_scheme("lsuv:tolerance=" + std::to_string(tolerance))->apply(s.net(), s.batch(), 1);
      const std::map<std::string, double> found = variances(s, s.batch());
      for (const WeightLayer& layer : weight_layers(s.net()))
        EXPECT_NEAR(found.at(layer.node), 1.0, tolerance + 1e-5) << model << " " << layer.node;
    }
}

// "use a large batch": the same network on images that it has not seen. The paper's criterion is 10 % for 128 of them.
TEST(Lsuv, ItHoldsOnANewBatchOfThatSize) {
  Specimen s("plain-10-16", 128), fresh("plain-10-16", 128, 8, 2);
  make_scheme("lsuv")->apply(s.net(), s.batch(), 1);
  for (const WeightLayer& layer : weight_layers(s.net()))
    if (layer.node != "fc") {
      EXPECT_NEAR(variances(s, fresh.batch()).at(layer.node), 1.0, 0.1) << layer.node;
    }
}

// An output is linear in its weights, so a layer without bias is right after one scaling, and directions stay.
TEST(Lsuv, OnlyTheSizeOfAWeightChanges) {
  Specimen s("plain-8-8"), base("plain-8-8");
  make_scheme("lsuv")->apply(s.net(), s.batch(), 1);
  make_scheme("orthogonal")->apply(base.net(), {}, 1);
  for (const WeightLayer& layer : weight_layers(s.net())) {
    const std::span<float> before = base.net().find_parameter(layer.weight->name)->value;
    const double factor = static_cast<double>(layer.weight->value[0]) / static_cast<double>(before[0]);
    for (std::size_t i = 0; i < before.size();
         ++i)  // both are rounded to float, and so is the first that gave the factor
      EXPECT_NEAR(static_cast<double>(layer.weight->value[i]), factor * static_cast<double>(before[i]),
                  4 * 0x1p-24 * std::fabs(factor * static_cast<double>(before[i])));
  }
}

TEST(Lsuv, WhatCannotBeScaledIsNamed) {
  Specimen s("plain-8-8", 2);
  fill(s.images.view(), 0.0f);
  EXPECT_EQ(test::error_of([&] { make_scheme("lsuv")->apply(s.net(), s.batch(), 1); }),
            "conv0: lsuv cannot scale an output of variance 0 to 1; it needs a base that lets images through, and more "
            "than one of them");
}

}  // namespace
}  // namespace fanin
