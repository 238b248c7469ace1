// SPDX-License-Identifier: MIT
#include "apps/study/session.h"

#include "apps/study/memory.h"
#include "core/check.h"
#include "core/tensor/parallel.h"
#include "core/train/checkpoint.h"
#include "data/catalog.h"
#include "init/catalog.h"
#include "init/network_initializer.h"

#include <fmt/format.h>

#include <algorithm>

namespace fanin {

TrainOptions train_options(const RunConfig& c) {
  TrainOptions o;
  o.epochs = c.epochs;
  o.schedule = {.kind = c.schedule,
                .peak = c.lr,
                .warmup_epochs = c.warmup,
                .factor = c.factor,
                .step_epochs = c.step_epochs,
                .milestones = c.milestones,
                .final_factor = c.final_factor,
                .onecycle_rise = c.rise,
                .epochs = c.epochs};
  o.optimizer = {.kind = c.optimizer,
                 .momentum = c.momentum,
                 .dampening = c.dampening,
                 .nesterov = c.nesterov,
                 .beta1 = c.beta1,
                 .beta2 = c.beta2,
                 .epsilon = c.epsilon,
                 .weight_decay = c.weight_decay,
                 .no_decay = c.no_decay,
                 .lr_groups = c.lr_groups,
                 .clip_norm = c.clip_norm};
  o.reset_at_drops = c.reset_momentum;
  o.mixup = c.mixup;
  o.label_smoothing = static_cast<float>(c.label_smoothing);
  o.seed = c.seed;
  o.max_steps = c.max_steps;
  return o;
}

void check(const RunConfig& config) {
  const TrainOptions options = train_options(config);
  check(options.schedule);
  check(options.optimizer);
  FANIN_CHECK(config.label_smoothing < 1.0, usage, "label_smoothing = {}; it must be below 1", config.label_smoothing);
  make_scheme(config.scheme);
  parse_stream(config.stream);
  check_conv_precision(parse_conv_precision(config.conv));
  FANIN_CHECK(config.mixup <= 4.0, usage, "mixup = {}; give 0 (off) to 4", config.mixup);
  FANIN_CHECK(config.fresh.empty() || !config.from.empty(), usage, "fresh needs from: the weights file to start from");
}

Augmentation augmentation_of(const RunConfig& config, const Dataset& dataset) {
  Dataset view = dataset;
  ChannelConstants constants = normalization(config.normalize, dataset);
  view.mean = std::move(constants.mean);
  view.std = std::move(constants.std);
  return parse_augmentation(config.augment, view);
}

std::uint64_t image_memory(const Network& net, int batch) {
  return net.image().with_images(batch).size() * sizeof(float);
}

std::uint64_t watched_memory(const Network& net, Node logits, int batch) {
  const std::size_t watched = net.plan(logits, {.images = batch, .fuse = false}).arena_floats * sizeof(float),
                    usual = net.estimate(logits, batch, Mode::train).activations;
  return watched > usual ? watched - usual : 0;
}

std::uint64_t training_memory(const Network& net, Node logits, int batch, const std::string& optimizer,
                              bool keep_gradients) {
  const MemoryEstimate estimate = net.estimate(logits, {.images = batch, .keep_gradients = keep_gradients});
  return estimate.total() + estimate.parameters * (optimizer == "sgd" ? 1 : 2) + image_memory(net, batch);
}

bool needs_gradients(const RunConfig& config) {
  const NetworkInitializer* const step = make_scheme(config.scheme)->step();
  return config.clip_norm > 0.0 || config.record || (step != nullptr && step->needs_gradients());
}

void Session::initialize() {
  train->start_epoch(1);
  Batch sample;
  if (!train->next(sample)) sample = {};
  scheme->apply(model.network, sample, config.seed, parse_stream(config.stream));
  if (!config.from.empty()) load_weights(config.from, model.network, config.fresh);
}

std::unique_ptr<Session> open_session(const RunConfig& config, Mode mode, bool keep_gradients) {
  check(config);
  set_thread_count(config.threads > 0 ? config.threads : std::max(1, omp_get_num_procs()));
  set_conv_precision(parse_conv_precision(config.conv));
  std::unique_ptr<Session> session = std::make_unique<Session>(
      Session{config, {}, build_model(config.model, {1, 32, 32, 3}, 10), nullptr, nullptr, nullptr});
  session->dataset =
      select(open_dataset(config.data), {config.train_size, config.validation, config.test_size}, config.seed);
  const Dataset& data = session->dataset;
  session->model = build_model(config.model, data.image, data.classes());
  session->scheme = make_scheme(config.scheme);

  const Augmentation augmentation = augmentation_of(config, data);
  BatchOptions train{.batch_size = config.batch,
                     .shuffle = true,
                     .drop_last = config.drop_last,
                     .seed = config.seed,
                     .augmentation = augmentation};
  BatchOptions test{.batch_size = std::min(config.batch, std::max(1, data.test.size())),
                    .shuffle = false,
                    .drop_last = false,
                    .seed = config.seed,
                    .augmentation = normalization_only(augmentation)};
  if (mode == Mode::train) {
    const Model& model = session->model;
    const std::uint64_t needed =
        training_memory(model.network, model.logits, config.batch, config.optimizer, keep_gradients) +
        (config.record ? watched_memory(model.network, model.logits, config.batch) : 0);
    check_memory(needed, available_memory(), fmt::format("training {} at batch {}", config.model, config.batch));
    session->train = make_batches(data, data.train, train);
  }
  session->test = make_batches(data, data.test, test);
  const int images = mode == Mode::train ? std::max(config.batch, test.batch_size) : test.batch_size;
  session->model.network.prepare(session->model.logits,
                                 {.images = images, .mode = mode, .keep_gradients = keep_gradients});
  return session;
}

}  // namespace fanin
