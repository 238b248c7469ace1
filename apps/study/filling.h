// Fills a network by a scheme outside a training run, for commands that look at weights. Steps over a network may want
// images; then the first training batch of a data set is opened, and of nothing else.
// SPDX-License-Identifier: MIT
#pragma once

#include "data/batches.h"
#include "init/scheme.h"
#include "models/catalog.h"

#include <memory>
#include <string>

namespace fanin {

struct FillOptions {
  std::string data = "synthetic";
  int batch = 128;
  std::uint64_t seed = 1;
  StreamKind stream = StreamKind::philox;
};

// What the scheme saw; empty if it does not look at images.
struct FillSample {
  std::unique_ptr<Dataset> dataset;
  std::unique_ptr<BatchSource> source;
  Batch batch;
};

// Prepares the model and fills it. Throws ErrorKind::shape where the data set's images or classes are not the model's.
FillSample fill_model(Model& model, const Scheme& scheme, const FillOptions& options);

}  // namespace fanin
