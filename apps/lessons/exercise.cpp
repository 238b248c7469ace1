// SPDX-License-Identifier: MIT
#include "apps/lessons/exercise.h"

#include "core/tensor/parallel.h"
#include "data/batches.h"
#include "init/catalog.h"
#include "models/catalog.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <numeric>
#include <optional>

namespace fanin {

namespace {

double tail_mean(const std::vector<double>& values, int steps) {
  const std::size_t n = std::min(values.size(), static_cast<std::size_t>(steps));
  return std::accumulate(values.end() - static_cast<std::ptrdiff_t>(n), values.end(), 0.0) / static_cast<double>(n);
}

class Notes : public TrainObserver {
 public:
  Notes(const Exercise& exercise, Network& net, const std::function<void(int, Network&)>& each, Exercised& result)
      : exercise_(exercise), net_(net), each_(each), result_(result) {}

  void after_step(const StepRow& s, const TrainProgress&) override {
    result_.loss.push_back(s.loss);
    result_.accuracy.push_back(s.accuracy);
    if (each_) each_(static_cast<int>(s.step), net_);
  }
  bool should_stop() override {
    if (exercise_.stop_above > 0.0 && result_.loss.back() > exercise_.stop_above) return true;
    return exercise_.stop_below > 0.0 && static_cast<int>(result_.loss.size()) >= exercise_.window &&
           tail_mean(result_.loss, exercise_.window) < exercise_.stop_below;
  }

 private:
  const Exercise& exercise_;
  Network& net_;
  const std::function<void(int, Network&)>& each_;
  Exercised& result_;
};

}  // namespace

double Exercised::last_loss(int steps) const {
  return diverged || loss.empty() ? std::numeric_limits<double>::infinity() : tail_mean(loss, steps);
}

double Exercised::last_accuracy(int steps) const {
  return diverged || accuracy.empty() ? 0.0 : tail_mean(accuracy, steps);
}

std::optional<int> Exercised::steps_to(double target, int window) const {
  double sum = 0.0;
  for (std::size_t i = 0; i < loss.size(); ++i) {
    sum += loss[i];
    if (i >= static_cast<std::size_t>(window)) sum -= loss[i - static_cast<std::size_t>(window)];
    if (i + 1 >= static_cast<std::size_t>(window) && sum / window < target) return static_cast<int>(i) + 1;
  }
  return std::nullopt;
}

Exercised exercise(const Dataset& data, const Exercise& e, const std::function<void(int, Network&)>& each) {
  Model model = build_model(e.model, data.image, data.classes());
  model.network.prepare(model.logits, e.batch);
  Augmentation normalize;
  normalize.mean = data.mean;
  normalize.std = data.std;
  const std::unique_ptr<BatchSource> batches =
      make_batches(data, data.train, {.batch_size = e.batch, .seed = e.seed, .augmentation = normalize});
  const std::unique_ptr<Scheme> scheme = make_scheme(e.scheme);
  {
    batches->start_epoch(1);
    Batch sample;
    batches->next(sample);
    scheme->apply(model.network, sample, e.seed);
  }
  if (each) each(0, model.network);

  TrainOptions options;
  options.max_steps = e.steps;
  options.epochs = e.steps / batches->batches_per_epoch() + 1;
  options.schedule.peak = e.rate;
  options.optimizer = {.kind = e.optimizer,
                       .momentum = e.momentum,
                       .nesterov = e.momentum > 0.0,
                       .weight_decay = e.weight_decay,
                       .lr_groups = e.lr_groups};
  options.seed = e.seed;
  Trainer trainer(model.network, *batches, nullptr, options);
  Exercised result;
  Notes notes(e, model.network, each, result);
  result.diverged = trainer.run(notes) == TrainResult::diverged;
  if (e.test && !result.diverged) {
    const std::unique_ptr<BatchSource> test = make_batches(data, data.test,
                                                           {.batch_size = std::min(e.batch, data.test.size()),
                                                            .shuffle = false,
                                                            .drop_last = false,
                                                            .augmentation = normalize});
    result.test_accuracy = evaluate(model.network, *test).accuracy;
  }
  return result;
}

void in_parallel(int count, const std::function<void(int)>& work, const std::function<void(int)>& done) {
  std::atomic<int> next{0};
  std::mutex mutex;
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(count));
  // Parallel regions inside of this one have a single thread, as OpenMP nests by default.
  parallel_for(std::min(count, thread_count()), [&](int) {
    for (int i = next++; i < count; i = next++) {
      try {
        work(i);
        const std::lock_guard<std::mutex> lock(mutex);
        if (done) done(i);
      } catch (...) {
        failures[static_cast<std::size_t>(i)] = std::current_exception();
      }
    }
  });
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace fanin
