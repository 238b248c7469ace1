// SPDX-License-Identifier: MIT
#include "apps/lessons/linear_modes.h"

#include "core/check.h"
#include "core/graph/network.h"
#include "core/train/optimizer.h"
#include "init/catalog.h"
#include "layers/linear.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

constexpr int kInputs = 8, kOutputs = 6;

// n x n, row after row.
std::vector<float> orthogonal_matrix(int n, std::uint64_t seed, const char* name) {
  Network net({0, 1, 1, n});
  net.prepare(linear(net, name, net.input(), {.out = n, .bias = false}), 1);
  make_scheme("orthogonal")->apply(net, {}, seed);
  const std::span<float> w = net.parameters().front()->value;
  return {w.begin(), w.end()};
}

}  // namespace

ModeRun learn_modes(const std::vector<double>& strengths, double start, double rate, int steps, std::uint64_t seed) {
  const int modes = static_cast<int>(strengths.size());
  FANIN_CHECK(modes >= 1 && modes <= kOutputs, usage, "{} modes; give 1 to {}", modes, kOutputs);
  const auto z = [](int i) { return static_cast<std::size_t>(i); };
  const std::vector<float> v = orthogonal_matrix(kInputs, seed, "right"), u = orthogonal_matrix(kOutputs, seed, "left");
  const auto right = [&](int mode, int i) { return v[z(mode * kInputs + i)]; };
  const auto left = [&](int mode, int o) { return u[z(mode * kOutputs + o)]; };

  Network net({0, 1, 1, kInputs});
  const Node hidden = linear(net, "first", net.input(), {.out = modes, .bias = false});
  net.prepare(linear(net, "second", hidden, {.out = kOutputs, .bias = false}), kInputs);
  Parameter &first = *net.find_parameter("first.weight"), &second = *net.find_parameter("second.weight");
  const float root = static_cast<float>(std::sqrt(start));
  for (int m = 0; m < modes; ++m) {  // in memory: input i, output o at i * outputs + o
    for (int i = 0; i < kInputs; ++i) first.value[z(i * modes + m)] = root * right(m, i);
    for (int o = 0; o < kOutputs; ++o) second.value[z(m * kOutputs + o)] = root * left(m, o);
  }

  // Inputs sqrt(n) e_i, so that the mean of x x^T is the identity; targets sum_k s_k u_k v_k^T x.
  Tensor x({kInputs, 1, 1, kInputs}), target({kInputs, 1, 1, kOutputs}), gradient({kInputs, 1, 1, kOutputs});
  const float length = std::sqrt(static_cast<float>(kInputs));
  for (int n = 0; n < kInputs; ++n) {
    x.view().pixel(z(n))[n] = length;
    for (int o = 0; o < kOutputs; ++o)
      for (int m = 0; m < modes; ++m)
        target.view().pixel(z(n))[o] += static_cast<float>(strengths[z(m)]) * left(m, o) * right(m, n) * length;
  }

  Optimizer optimizer(net, {.kind = "sgd", .momentum = 0.0, .nesterov = false, .weight_decay = 0.0});
  ModeRun run;
  for (const double s : strengths) run.modes.push_back({s, {}, {}, {}});
  const int every = std::max(1, steps / 200);
  for (int step = 0; step <= steps; ++step) {
    const ConstView y = net.forward(std::as_const(x).view(), Mode::train);
    for (int m = 0; m < modes; ++m) {  // u_m = u^T (W2 W1) v, from the outputs of all inputs
      double strength = 0.0;
      for (int n = 0; n < kInputs; ++n)
        for (int o = 0; o < kOutputs; ++o)
          strength += static_cast<double>(left(m, o)) * static_cast<double>(y.pixel(z(n))[o]) *
                      static_cast<double>(right(m, n) / length);
      const double s = strengths[z(m)], e = std::exp(2.0 * s * step * rate), theory = s * e / (e - 1.0 + s / start);
      run.largest_error = std::max(run.largest_error, std::fabs(strength - theory) / s);
      if (step % every != 0) continue;
      ModeCourse& course = run.modes[z(m)];
      course.step.push_back(step);
      course.measured.push_back(strength);
      course.theory.push_back(theory);
    }
    for (int n = 0; n < kInputs; ++n)
      for (int o = 0; o < kOutputs; ++o)
        gradient.view().pixel(z(n))[o] =
            (y.pixel(z(n))[o] - target.view().pixel(z(n))[o]) / static_cast<float>(kInputs);
    net.backward(std::as_const(gradient).view());
    optimizer.step(rate);
  }
  return run;
}

}  // namespace fanin
