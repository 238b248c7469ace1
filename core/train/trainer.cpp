// SPDX-License-Identifier: MIT
#include "core/train/trainer.h"

#include "core/check.h"
#include "core/rng.h"
#include "core/train/loss.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace fanin {

namespace {

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::size_t count_bad(std::span<const float> values) {
  return static_cast<std::size_t>(
      std::count_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); }));
}

std::string bad_text(std::size_t bad, std::size_t size) {
  return fmt::format("{} of {} values are not finite", bad, size);
}

// Remembers the first node in forward order that holds a value which is not finite.
class FirstBadNode : public Observer {
 public:
  void value(std::string_view node, ConstView v) override { look(node, v, ""); }
  void gradient(std::string_view node, ConstView v) override { look(node, v, "gradient: "); }
  std::string name, detail;

 private:
  void look(std::string_view node, ConstView v, const char* what) {
    if (!name.empty()) return;
    std::size_t bad = 0;
    for (std::size_t p = 0; p < v.shape.pixels(); ++p)
      bad += count_bad({v.pixel(p), static_cast<std::size_t>(v.shape.channels)});
    if (bad == 0) return;
    name = node;
    detail = what + bad_text(bad, v.shape.size());
  }
};

// Puts an observer on a network for the length of a block.
class Observing {
 public:
  Observing(Network& net, Observer& observer) : net_(net) { net.observe(&observer); }
  ~Observing() { net_.observe(nullptr); }
  Observing(const Observing&) = delete;
  Observing& operator=(const Observing&) = delete;

 private:
  Network& net_;
};

// Of the five largest logits, is the label among them? Equal logits count in index order.
bool in_top5(const float* logits, int classes, int label) {
  int ahead = 0;
  for (int k = 0; k < classes; ++k) ahead += logits[k] > logits[label] || (logits[k] == logits[label] && k < label);
  return ahead < 5;
}

}  // namespace

Evaluation evaluate(Network& net, BatchSource& source) {
  Evaluation result;
  double loss = 0.0;
  std::int64_t correct = 0, top5 = 0;
  source.start_epoch(1);
  for (Batch batch; source.next(batch);) {
    const ConstView logits = net.forward(batch.images, Mode::evaluate);
    const LossResult part = softmax_cross_entropy(logits, batch.labels, 0.0f, View{});
    loss += part.loss_sum;
    correct += part.correct;
    for (std::size_t n = 0; n < batch.labels.size(); ++n)
      top5 += in_top5(logits.pixel(n), logits.shape.channels, batch.labels[n]);
    result.images += batch.images.shape.images;
  }
  if (result.images == 0) return result;
  result.loss = loss / result.images;
  result.accuracy = static_cast<double>(correct) / result.images;
  result.top5_accuracy = static_cast<double>(top5) / result.images;
  return result;
}

std::uint64_t weights_hash(const Network& net) {
  std::uint64_t hash = 0;
  for (const Parameter* p : net.parameters()) {
    hash = hash_bytes(p->name.data(), p->name.size(), hash);
    hash = hash_bytes(p->value.data(), p->value.size_bytes(), hash);
  }
  for (const StateBuffer* b : net.buffers()) {
    hash = hash_bytes(b->name.data(), b->name.size(), hash);
    hash = hash_bytes(b->value.data(), b->value.size() * sizeof(float), hash);
  }
  return hash;
}

Trainer::Trainer(Network& net, BatchSource& train, BatchSource* test, TrainOptions options)
    : net_(net),
      train_(train),
      test_(test),
      options_(std::move(options)),
      optimizer_(net, options_.optimizer),
      mixup_(options_.mixup, options_.seed) {
  options_.schedule.epochs = options_.epochs;
  check(options_.schedule);
  FANIN_CHECK(options_.label_smoothing >= 0.0f && options_.label_smoothing < 1.0f, usage,
              "label smoothing {}; it must be at least 0 and below 1", options_.label_smoothing);
  FANIN_CHECK(train.largest_batch() <= net.largest_batch(), usage,
              "batches of {} for a network prepared for {}; prepare it for the larger", train.largest_batch(),
              net.largest_batch());
  FANIN_CHECK(train.batches_per_epoch() >= 1, usage, "the training set gives no batch; use a smaller batch size");
}

TrainResult Trainer::run(TrainObserver& observer) {
  while (progress_.epoch <= options_.epochs) {
    const TrainResult result = run_epoch(observer);
    if (result != TrainResult::finished) return result;
    if (options_.max_steps > 0 && progress_.step >= options_.max_steps) break;
  }
  return TrainResult::finished;
}

TrainResult Trainer::run_epoch(TrainObserver& observer) {
  TrainProgress& p = progress_;
  double started = now_seconds();
  const auto out_of_steps = [&] { return options_.max_steps > 0 && p.step >= options_.max_steps; };
  train_.start_epoch(p.epoch, p.batch);
  const auto next = [&](Batch& batch) {
    const double asked = now_seconds();
    const bool there = train_.next(batch);
    p.waited += now_seconds() - asked;
    return there;
  };
  for (Batch batch; !out_of_steps() && next(batch);) {
    const int images = batch.images.shape.images;
    const std::int64_t now = schedule_step(p.batch), per_epoch = train_.batches_per_epoch();
    const double rate = learning_rate(options_.schedule, now, per_epoch);
    if (options_.reset_at_drops && now > 0 &&
        drops(options_.schedule, now, per_epoch) > drops(options_.schedule, now - 1, per_epoch))
      optimizer_.reset();
    const MixedLabels mixed = mixup_.mix(batch, p.step);
    net_.set_random_state(options_.seed, static_cast<std::uint64_t>(p.step));
    const ConstView logits = net_.forward(batch.images, Mode::train);
    if (logit_gradient_.shape().images < images)
      logit_gradient_ = Tensor(logits.shape);  // the first batch is the largest
    const View gradient = logit_gradient_.view().images(0, images);
    const LossResult loss = softmax_cross_entropy(logits, batch.labels, options_.label_smoothing, gradient, mixed);
    if (!std::isfinite(loss.loss_sum)) {
      divergence_ = find_divergence(batch.images);
      return TrainResult::diverged;
    }
    optimizer_.backward_and_step(gradient, rate);
    ++p.batch;
    ++p.step;
    p.loss_sum += loss.loss_sum;
    p.correct += loss.correct;
    p.images += images;
    p.seconds += now_seconds() - started;
    observer.after_step({.step = p.step,
                         .epoch = p.epoch,
                         .batch = p.batch,
                         .loss = loss.loss_sum / images,
                         .accuracy = static_cast<double>(loss.correct) / images,
                         .learning_rate = rate},
                        p);
    if (observer.should_stop()) return TrainResult::interrupted;
    started = now_seconds();
  }
  return finish_epoch(observer);
}

std::int64_t Trainer::schedule_step(int batch) const {
  return static_cast<std::int64_t>(progress_.epoch - 1) * train_.batches_per_epoch() + batch;
}

TrainResult Trainer::finish_epoch(TrainObserver& observer) {
  TrainProgress& p = progress_;
  for (const Parameter* parameter : net_.parameters())
    if (const std::size_t bad = count_bad(parameter->value); bad > 0) {
      divergence_ = {p.step, parameter->name, bad_text(bad, parameter->value.size())};
      return TrainResult::diverged;
    }
  EpochRow row;
  row.epoch = p.epoch;
  if (p.images > 0) {
    row.train_loss = p.loss_sum / static_cast<double>(p.images);
    row.train_accuracy = static_cast<double>(p.correct) / static_cast<double>(p.images);
    row.images_per_second = p.seconds > 0.0 ? static_cast<double>(p.images) / p.seconds : 0.0;
  }
  row.learning_rate =
      learning_rate(options_.schedule, schedule_step(std::max(0, p.batch - 1)), train_.batches_per_epoch());
  row.seconds = p.seconds;
  row.waited = p.waited;
  if (test_ != nullptr) {
    const Evaluation test = evaluate(net_, *test_);
    row.test_loss = test.loss;
    row.test_accuracy = test.accuracy;
  }
  row.weights_hash = weights_hash(net_);
  p.rows.push_back(row);
  ++p.epoch;
  p.batch = 0;
  p.loss_sum = p.seconds = p.waited = 0.0;
  p.correct = p.images = 0;
  observer.after_epoch(row, p);
  return TrainResult::finished;
}

Divergence Trainer::find_divergence(ConstView images) {
  FirstBadNode first;
  const Observing observing(net_, first);
  net_.forward(images, Mode::train);
  if (!first.name.empty()) return {progress_.step + 1, first.name, first.detail};
  return {progress_.step + 1, "loss", "every node is finite, but their loss is not"};
}

}  // namespace fanin
