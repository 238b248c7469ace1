// Singular values of the Jacobian and the largest eigenvalue of the Hessian against networks where both are known.
// SPDX-License-Identifier: MIT
#include "apps/study/curvature.h"
#include "apps/study/jacobian.h"
#include "apps/study/symmetric_eigenvalues.h"
#include "core/rng.h"
#include "core/train/loss.h"
#include "init/catalog.h"
#include "layers/conv.h"
#include "layers/linear.h"
#include "layers/pool.h"
#include "models/catalog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace fanin {
namespace {

KeptBatch noise(const Shape& shape, int classes) {
  KeptBatch batch{Tensor(shape), {}};
  const Rng rng = Rng::stream(3, "images");
  for (std::size_t i = 0; i < shape.size(); ++i) batch.images.view().data[i] = static_cast<float>(rng.normal(i));
  for (int n = 0; n < shape.images; ++n) batch.labels.push_back(n % classes);
  return batch;
}

TEST(SymmetricEigenvalues, KnowsAMatrixOfWhichTheyAreKnown) {
  // The second difference: eigenvalues 2 - 2 cos(pi k / (n + 1)).
  const std::size_t n = 40;
  std::vector<double> m(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    m[i * n + i] = 2.0;
    if (i + 1 < n) m[i * n + i + 1] = m[(i + 1) * n + i] = -1.0;
  }
  const std::vector<double> values = symmetric_eigenvalues(m, n);
  for (std::size_t k = 0; k < n; ++k)
    EXPECT_NEAR(values[k], 2.0 - 2.0 * std::cos(M_PI * static_cast<double>(n - k) / (n + 1.0)), 8 * n * 4 * 0x1p-53);
  EXPECT_TRUE(std::isnan(symmetric_eigenvalues({NAN}, 1)[0]));
}

TEST(SymmetricEigenvalues, SingularValuesOfEitherShape) {
  // Orthogonal columns of length 3 and 5, scaled to where squares leave the range of a double.
  const std::vector<double> tall = {3e-180, 0, 0, 4e-180, 0, 3e-180}, wide = {3e-180, 0, 0, 0, 4e-180, 3e-180};
  for (const auto& [m, rows] : {std::pair{tall, 3u}, std::pair{wide, 2u}}) {
    const std::vector<double> s = singular_values(m, rows, 6 / rows);
    ASSERT_EQ(s.size(), 2u);
    EXPECT_NEAR(s[0], 5e-180, 1e-194);
    EXPECT_NEAR(s[1], 3e-180, 1e-194);
  }
  EXPECT_EQ(singular_values({0, 0}, 1, 2), std::vector<double>{0.0});
}

// Orthogonal weights in a deep linear network: every singular value is 1 (Saxe et al. 2014). Float rounding adds at most
// about width * 2^-24 a layer.
TEST(Jacobian, OrthogonalLinearNetworksAreIsometries) {
  Model model = build_model("mlp-6-20:act=identity", {1, 3, 3, 3}, 7);
  model.network.prepare(model.logits, 2);
  make_scheme("orthogonal")->apply(model.network, {}, 1);
  const JacobianSpectrum j = jacobian_spectrum(model.network, noise({2, 3, 3, 3}, 7));
  ASSERT_EQ(j.singular_values.size(), 7u) << j.reason;
  for (const double s : j.singular_values) EXPECT_NEAR(s, 1.0, 7 * 20 * 0x1p-24);
  EXPECT_NEAR(j.mean_square, 1.0, 2 * 7 * 20 * 0x1p-24);
}

// Rows by backward passes against columns by differences: f is linear in the image, so a difference is exact but for
// rounding, about 30 products of 2^-24 each over a step of 1.
TEST(Jacobian, IsWhatDifferencesSayAlsoThroughConvolutions) {
  Network net({0, 5, 5, 4});
  Node x = conv(net, "conv", net.input(), {.out_channels = 6, .kernel = 3, .stride = 2, .groups = 2});
  x = linear(net, "fc", flatten(net, "flat", x), {.out = 3});
  net.prepare(x, 3);
  make_scheme("kaiming_normal")->apply(net, {}, 4);
  KeptBatch batch = noise({3, 5, 5, 4}, 3);
  const int image = 1;
  std::vector<double> jacobian(3 * 100);
  const auto logits = [&](int k) {
    return static_cast<double>(net.forward(batch.images.view(), Mode::train).pixel(image)[k]);
  };
  for (std::size_t i = 0; i < 100; ++i)
    for (int k = 0; k < 3; ++k) {
      float& pixel = batch.images.view().images(image, 1).data[i];
      const float before = pixel;
      const double from = logits(k);
      pixel = before + 1.0f;
      jacobian[static_cast<std::size_t>(k) * 100 + i] = logits(k) - from;
      pixel = before;
    }
  const std::vector<double> expected = singular_values(jacobian, 3, 100);
  const JacobianSpectrum j = jacobian_spectrum(net, batch, image);
  ASSERT_EQ(j.singular_values.size(), 3u) << j.reason;
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(j.singular_values[k], expected[k], 100 * 30 * 0x1p-24);
}

TEST(Jacobian, OfManyLogitsOnlyTheLargest) {
  Network net({0, 1, 1, 150});
  const Node y = linear(net, "fc", net.input(), {.out = 140, .bias = false});
  net.prepare(y, 1);
  make_scheme("kaiming_normal")->apply(net, {}, 1);
  const std::span<const float> w = net.parameters().front()->value;
  const std::vector<double> expected = singular_values({w.begin(), w.end()}, 150, 140);
  const JacobianSpectrum j = jacobian_spectrum(net, noise({1, 1, 1, 150}, 140));
  ASSERT_EQ(j.singular_values.size(), 1u);
  // Stopped when an iteration changes it by 1e-9; the gap of a random matrix makes that about 1e-6 of the value.
  EXPECT_NEAR(j.singular_values[0], expected[0], 1e-5 * expected[0]);
}

// Softmax regression at zero weights has p = 1/K, and its Hessian is (mean of x x^T, x with a 1 for the bias) times
// (I - 1 1^T / K) / K, of which the second factor has the largest eigenvalue 1/K.
TEST(Curvature, SoftmaxRegressionIsKnown) {
  const int classes = 4, inputs = 6, images = 50;
  Network net({0, 1, 1, inputs});
  const Node y = linear(net, "fc", net.input(), {.out = classes});
  net.prepare(y, images);
  make_scheme("zeros")->apply(net, {}, 1);
  const KeptBatch batch = noise({images, 1, 1, inputs}, classes);
  const std::size_t n = inputs + 1;
  std::vector<double> moments(n * n);
  for (std::size_t i = 0; i < images; ++i) {
    std::vector<double> x(batch.images.view().pixel(i), batch.images.view().pixel(i) + inputs);
    x.push_back(1.0);
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t b = 0; b < n; ++b) moments[a * n + b] += x[a] * x[b] / images;
  }
  const double expected = symmetric_eigenvalues(moments, n)[0] / classes;
  const Curvature c = largest_curvature(net, batch, 1e-2, 500);
  EXPECT_LT(c.residual, 1e-2);
  // The Rayleigh quotient errs by the square of the residual over the gap, at most the residual itself.
  EXPECT_NEAR(c.largest, expected, 1e-2 * expected);
  EXPECT_DOUBLE_EQ(*c.stable_rate(), 2.0 / c.largest);
  for (const float w : net.values()) EXPECT_EQ(w, 0.0f) << "weights are put back";
}

// Gradient descent on it shrinks or blows up a deviation along the top direction on either side of 2 / lambda.
TEST(Curvature, TheStableRateIsWhereDescentTurnsUnstable) {
  const int classes = 3;
  const KeptBatch batch = noise({40, 1, 1, 5}, classes);
  const auto loss_after = [&](double times) {
    Network net({0, 1, 1, 5});
    const Node y = linear(net, "fc", net.input(), {.out = classes});
    net.prepare(y, 40);
    make_scheme("zeros")->apply(net, {}, 1);
    double rate = 0.0, loss = 0.0;
    for (int step = 0; step < 3000; ++step) {
      if (step == 1000) rate = times * *largest_curvature(net, batch, 1e-3, 500).stable_rate();  // at the minimum
      const ConstView logits = net.forward(batch.images.view(), Mode::train);
      Tensor dy(logits.shape);
      loss = softmax_cross_entropy(logits, batch.labels, 0.0f, dy.view()).loss_sum / 40;
      net.backward(std::as_const(dy).view());
      for (std::size_t i = 0; i < net.values().size(); ++i)
        net.values()[i] -= static_cast<float>(step < 1000 ? 0.5 : rate) * net.gradients()[i];
    }
    return loss;
  };
  EXPECT_NEAR(loss_after(0.9), loss_after(0.0), 1e-5);
  EXPECT_GT(loss_after(1.1), loss_after(0.0) + 1e-3);
}

TEST(Curvature, AFlatLossHasNoStableRate) {
  Network flat({0, 1, 1, 2});
  const Node y = linear(flat, "fc", flat.input(), {.out = 1});  // one class: the loss is 0
  flat.prepare(y, 4);
  make_scheme("kaiming_normal")->apply(flat, {}, 1);
  EXPECT_FALSE(largest_curvature(flat, noise({4, 1, 1, 2}, 1)).stable_rate());
}

}  // namespace
}  // namespace fanin
