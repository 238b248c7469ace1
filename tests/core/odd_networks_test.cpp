// Networks whose widths no vector divides, with 5x5 kernels, with 10 channels more a layer, on batches of 1 and 37: the rungs
// that training runs by default give the gradients that gemm gives.
// SPDX-License-Identifier: MIT
#include "core/graph/convolutions.h"
#include "core/rng.h"
#include "core/train/loss.h"
#include "models/catalog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fanin {
namespace {

constexpr Shape kImage{1, 11, 9, 3};

struct Outcome {
  std::vector<double> logits, gradients;
};

// `moved`: every weight is multiplied by 1 +- moved.
Outcome run(const std::string& name, int batch, std::string_view rung, double moved) {
  const std::string before(forced_conv());
  force_conv(rung);
  Model model = build_model(name, kImage, 10);
  Network& net = model.network;
  net.prepare(model.logits, batch);
  for (Parameter* p : net.parameters()) {
    const Rng rng = Rng::stream(5, p->name), sign = Rng::stream(6, p->name);
    const double fan_in = static_cast<double>(p->shape.taps() * p->shape.in_per_group);
    for (std::size_t i = 0; i < p->value.size(); ++i) {
      const double value = p->shape.rank > 1 ? std::sqrt(2.0 / fan_in) * rng.normal(i)
                                             : 0.1 * rng.normal(i) + (p->role == Role::norm_scale);
      p->value[i] = static_cast<float>(value * (1.0 + (sign.uniform(i) < 0.5 ? -moved : moved)));
    }
  }
  Tensor images(kImage.with_images(batch));
  const Rng rng = Rng::stream(3, "images");
  for (std::size_t i = 0; i < images.shape().size(); ++i) images.view().data[i] = static_cast<float>(rng.normal(i));
  std::vector<int> labels;
  for (int n = 0; n < batch; ++n) labels.push_back(n % 10);
  const ConstView y = net.forward(std::as_const(images).view(), Mode::train);
  Outcome outcome;
  outcome.logits.assign(y.data, y.data + y.shape.size());
  Tensor gradient(y.shape);
  softmax_cross_entropy(y, labels, 0.0f, gradient.view());
  net.backward(std::as_const(gradient).view());
  outcome.gradients.assign(net.gradients().begin(), net.gradients().end());
  force_conv(before);
  return outcome;
}

double norm(const std::vector<double>& v) {
  double sum = 0.0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}
double distance(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < b.size(); ++i) a[i] -= b[i];
  return norm(a);
}

// A product of n terms is off by at most n * 2^-24 of the sum of its magnitudes, by F(2x2) with n + 36 (winograd_bound.h);
// that is a change of its weights by as much. So the tolerance is measured: how far gemm's result moves when every weight
// does, in a random direction; and the two runs may each be off.
void expect_agreement(const std::string& name, int batch) {
  double terms = 0.0;
  for (const Convolution& c : convolutions(build_model(name, kImage, 10).network.summary()))
    terms = std::max(terms, static_cast<double>(c.conv.kernel * c.conv.kernel * c.conv.in_channels / c.conv.groups));
  const double moved = (terms + 36) * 0x1p-24;
  const Outcome gemm = run(name, batch, "gemm", 0.0), far = run(name, batch, "gemm", moved);
  const Outcome own = run(name, batch, "", 0.0);
  ASSERT_TRUE(std::isfinite(norm(own.gradients)));
  ASSERT_GT(norm(own.gradients), 0.0);
  EXPECT_NE(own.gradients, gemm.gradients) << "the same rung ran twice";
  EXPECT_LE(distance(own.logits, gemm.logits), 2.0 * distance(far.logits, gemm.logits));
  EXPECT_LE(distance(own.gradients, gemm.gradients), 2.0 * distance(far.gradients, gemm.gradients));
}

class OddNetworks : public ::testing::TestWithParam<const char*> {};

TEST_P(OddNetworks, AgreeWithGemm) {
  for (const int batch : {1, 37}) {
    SCOPED_TRACE(std::string(GetParam()) + " at batch " + std::to_string(batch));
    expect_agreement(GetParam(), batch);
  }
}

INSTANTIATE_TEST_SUITE_P(Names, OddNetworks,
                         ::testing::Values("plain-6-20:norm=bn", "resnet-8:width=23", "resnet-8:width=10", "nin",
                                           "densenet-13-10", "densenet-bc-16-10", "resnext-11-3x7d:widen=1"));

}  // namespace
}  // namespace fanin
