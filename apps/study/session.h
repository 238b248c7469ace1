// Everything that a configuration stands for: the data set, the planned network, its scheme and its batches.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/config.h"
#include "core/train/trainer.h"
#include "data/batches.h"
#include "data/dataset.h"
#include "init/scheme.h"
#include "models/catalog.h"

#include <memory>

namespace fanin {

struct Session {
  RunConfig config;
  Dataset dataset;
  Model model;
  std::unique_ptr<Scheme> scheme;
  std::unique_ptr<BatchSource> train, test;

  void initialize();  // fills every weight by the scheme and the seed, then reads config.from if that is given
};

// Sets the thread count, opens the data, builds and prepares the network. Weights are NaN until initialize() or
// load_weights().
// Throws before allocating if the memory does not suffice.
// `keep_gradients`: of all parameters after a backward pass (PlanOptions).
std::unique_ptr<Session> open_session(const RunConfig& config, Mode mode = Mode::train, bool keep_gradients = true);

// Whether a run needs the gradients of all parameters at once: to clip them, to record them, to initialize.
bool needs_gradients(const RunConfig& config);

TrainOptions train_options(const RunConfig& config);
Augmentation augmentation_of(const RunConfig& config, const Dataset& dataset);

// Bytes that training takes: parameters, gradients if they are kept, optimizer state, activations, scratch, images of a
// batch. The process needs besides what it had before (resident_memory()), and its data set.
std::uint64_t training_memory(const Network& net, Node logits, int batch, const std::string& optimizer,
                              bool keep_gradients);

// Bytes that a network takes more than otherwise while it is observed (Network::observe), at this batch.
std::uint64_t watched_memory(const Network& net, Node logits, int batch);

std::uint64_t image_memory(const Network& net, int batch);  // of it, the images

}  // namespace fanin
