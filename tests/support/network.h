// A small network with a batch of standard normal images, for tests of whatever looks at both.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/rng.h"
#include "core/train/batch.h"
#include "models/catalog.h"

#include <string>
#include <vector>

namespace fanin::test {

struct Specimen {
  Model model;
  Tensor images;
  std::vector<int> labels;

  explicit Specimen(const std::string& spec, int count = 16, int side = 8, std::uint64_t seed = 1)
      : model(build_model(spec, {1, side, side, 3}, 10)), images({count, side, side, 3}) {
    model.network.prepare(model.logits, count);
    const Rng rng = Rng::stream(seed, "specimen");
    for (std::size_t i = 0; i < images.shape().size(); ++i) images.view().data[i] = static_cast<float>(rng.normal(i));
    for (int i = 0; i < count; ++i) labels.push_back(i % 10);
  }
  Network& net() { return model.network; }
  Batch batch() const { return {images.view(), labels}; }
  std::vector<float> weights() { return {net().values().begin(), net().values().end()}; }
};

}  // namespace fanin::test
