// Step 0 of Fixup as the paper states it, and the size of step 1 over depth.
// SPDX-License-Identifier: MIT
#include "init/fixup.h"

#include "core/train/loss.h"
#include "init/catalog.h"
#include "tests/support/error_of.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

using test::Specimen;

std::vector<double> logits(Specimen& s) {
  const ConstView y = s.net().forward(s.batch().images, Mode::train);
  return {y.data, y.data + y.shape.size()};
}

// One step of plain gradient descent at rate 0.1; returns the loss before it and the size of the change of the logits.
std::pair<double, double> one_step(const std::string& model, const char* scheme) {
  Specimen s(model);
  make_scheme(scheme)->apply(s.net(), s.batch(), 1);
  const std::vector<double> before = logits(s);
  Tensor gradient({16, 1, 1, 10});
  const double loss =
      softmax_cross_entropy(s.net().forward(s.batch().images, Mode::train), s.labels, 0.0f, gradient.view()).loss_sum /
      16;
  s.net().backward(gradient.view());
  for (std::size_t i = 0; i < s.net().values().size(); ++i) s.net().values()[i] -= 0.1f * s.net().gradients()[i];
  double change = 0.0;
  const std::vector<double> after = logits(s);
  for (std::size_t i = 0; i < after.size(); ++i) change += (after[i] - before[i]) * (after[i] - before[i]);
  return {loss, std::sqrt(change)};
}

TEST(Fixup, TheLossIsLnKExactly) {
  for (const char* model : {"resnet-14:residual=fixup,norm=none", "resnet-56:residual=fixup,norm=none",
                            "wrn-16-1:residual=fixup,norm=none", "preresnet-20:residual=fixup,norm=none"})
    EXPECT_NEAR(one_step(model, "fixup").first, std::log(10.0), std::log(10.0) * 0x1p-23) << model;
}

// The authors' claim: the change of the output in a step is of the order of the learning rate, whatever the depth.
TEST(Fixup, AStepChangesTheOutputByTheSameAtAnyDepth) {
  const auto change = [](const char* depth, const char* scheme) {
    return one_step(std::string("resnet-") + depth + ":residual=fixup,norm=none", scheme).second;
  };
  const double shallow = change("14", "fixup"), deep = change("110", "fixup");
  EXPECT_LT(deep / shallow, 2.0);
  EXPECT_GT(deep / shallow, 0.5);
  const double he = change("110", "kaiming_normal") / change("14", "kaiming_normal");
  EXPECT_FALSE(he > 0.5 && he < 2.0) << "without Fixup it explodes: " << he;
}

TEST(Fixup, BranchesAreHeTimesAPowerOfTheirNumber) {
  Specimen s("resnet-14:residual=fixup,norm=none"), bottleneck("resnet-20:block=bottleneck,residual=fixup,norm=none");
  for (const auto& [specimen, name, power] :
       {std::tuple{&s, "layer2.1.conv1.weight", -0.5}, std::tuple{&bottleneck, "layer2.1.conv2.weight", -0.25}}) {
    make_scheme("fixup")->apply(specimen->net(), specimen->batch(), 1);
    const std::span<float> w = specimen->net().find_parameter(name)->value;
    const std::vector<float> scaled(w.begin(), w.end());
    make_scheme("kaiming_normal:mode=fan_out")->apply(specimen->net(), {}, 1);
    for (std::size_t i = 0; i < scaled.size(); ++i)
      EXPECT_EQ(scaled[i], static_cast<float>(std::pow(6.0, power) * static_cast<double>(w[i])));
  }
}

TEST(Fixup, NeedsItsScalars) {
  Specimen s("resnet-14:norm=none"), rezero("resnet-14:residual=rezero");
  for (Specimen* one : {&s, &rezero})
    EXPECT_EQ(test::error_of([&] { make_scheme("fixup")->apply(one->net(), one->batch(), 1); }),
              "scheme 'fixup' needs scalars in its residual branches; use a network such as "
              "resnet-20:residual=fixup,norm=none");
}

}  // namespace
}  // namespace fanin
