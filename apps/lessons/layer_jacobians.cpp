// SPDX-License-Identifier: MIT
#include "apps/lessons/layer_jacobians.h"

#include "apps/lessons/material.h"
#include "apps/study/symmetric_eigenvalues.h"

#include <cmath>

namespace fanin {

namespace {

struct Pre : Observer {
  std::vector<std::vector<float>> values;  // of fc0 ..., first image
  void value(std::string_view name, ConstView v) override {
    for (std::size_t i = 0; i < values.size(); ++i)
      if (name == fmt::format("fc{}", i)) values[i].assign(v.pixel(0), v.pixel(0) + v.shape.channels);
  }
};

}  // namespace

LayerJacobians layer_jacobians(const std::string& scheme, double weight_variance, int depth, int width,
                               std::uint64_t seed) {
  const KeptBatch one = gaussian_batch(1, width, 10, seed);
  const std::unique_ptr<Session> session = session_on(fmt::format("mlp-{}-{}:act=tanh", depth, width), scheme, one, 10);
  session->config.seed = seed;
  session->initialize();
  Network& net = session->model.network;
  Pre pre;
  pre.values.resize(static_cast<std::size_t>(depth));
  net.observe(&pre);
  net.forward(one.images.view(), Mode::train);
  net.observe(nullptr);
  const std::size_t n = static_cast<std::size_t>(width);
  LayerJacobians result;
  for (std::size_t l = 0; l < pre.values.size(); ++l) {
    const Parameter& w = *net.find_parameter(fmt::format("fc{}.weight", l));  // input i, output o at i * n + o
    std::vector<double> jacobian(n * n);
    double slope = 0.0;
    for (std::size_t o = 0; o < n; ++o) {
      const double t = std::tanh(static_cast<double>(pre.values[l][o]));
      slope += (1.0 - t * t) / width;
      for (std::size_t i = 0; i < n; ++i) jacobian[o * n + i] = (1.0 - t * t) * static_cast<double>(w.value[i * n + o]);
    }
    const std::vector<double> s = singular_values(jacobian, n, n);
    double sum = 0.0;
    for (const double v : s) sum += v;
    result.mean.push_back(sum / static_cast<double>(n));
    result.theory.push_back(8.0 / (3.0 * M_PI) * std::sqrt(weight_variance) * slope);
  }
  return result;
}

}  // namespace fanin
