// SPDX-License-Identifier: MIT
#include "apps/study/bench.h"

#include "apps/study/memory.h"
#include "apps/study/session.h"
#include "core/check.h"
#include "core/rng.h"
#include "core/train/loss.h"
#include "core/train/optimizer.h"
#include "init/catalog.h"
#include "models/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace fanin {

namespace {

// Operations of one step: every layer's forward product, and its two backward products where they are needed.
double operations(const Network& net, Mode mode, int batch) {
  double macs = 0.0;
  for (const NodeSummary& row : net.summary()) {
    const bool first = std::find(row.inputs.begin(), row.inputs.end(), "input") != row.inputs.end();
    macs += static_cast<double>(row.macs) * (mode == Mode::evaluate ? 1.0 : first ? 2.0 : 3.0);
  }
  return 2.0 * macs * batch;
}

}  // namespace

BenchResult bench(const BenchOptions& o) {
  FANIN_CHECK(o.batch >= 1, usage, "--batch {}; give at least 1", o.batch);
  FANIN_CHECK(o.seconds > 0.0, usage, "--seconds {}; give more than 0", o.seconds);
  Model model = build_model(o.model, {1, 32, 32, 3}, o.classes);
  Network& net = model.network;
  const std::uint64_t needed = o.mode == Mode::train ? training_memory(net, model.logits, o.batch, "sgd", false)
                                                     : net.estimate(model.logits, o.batch, Mode::evaluate).total();
  check_memory(needed, available_memory(), fmt::format("{} at batch {}", o.model, o.batch));
  net.prepare(model.logits, {.images = o.batch, .mode = o.mode, .keep_gradients = false});
  make_scheme("kaiming_normal")->apply(net, {}, 1);
  Tensor images({o.batch, 32, 32, 3}), gradient({o.batch, 1, 1, model.logits.channels()});
  const Rng rng = Rng::stream(1, "bench/images");
  for (std::size_t i = 0; i < images.shape().size(); ++i) images.view().data[i] = static_cast<float>(rng.normal(i));
  std::vector<int> labels(static_cast<std::size_t>(o.batch));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i) % model.logits.channels();
  Optimizer optimizer(net, {});

  const auto step = [&] {
    const ConstView logits = net.forward(std::as_const(images).view(), o.mode);
    if (o.mode == Mode::evaluate) return;
    softmax_cross_entropy(logits, labels, 0.0f, gradient.view());
    // A small rate: random labels must not lead to infinities, which are slower on some processors.
    optimizer.backward_and_step(std::as_const(gradient).view(), 1e-3);
  };
  const auto seconds_of = [&] {
    const auto start = std::chrono::steady_clock::now();
    step();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (int i = 0; i < 3; ++i) step();
  std::vector<double> times;
  double total = 0.0;
  while (total < o.seconds || times.size() < 3) total += times.emplace_back(seconds_of());
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  const double median = times[times.size() / 2];
  return {.steps = static_cast<int>(times.size()),
          .step_ms_median = 1e3 * median,
          .images_per_second = o.batch / median,
          .gflops = operations(net, o.mode, o.batch) / median / 1e9,
          .peak_rss_bytes = peak_memory()};
}

}  // namespace fanin
