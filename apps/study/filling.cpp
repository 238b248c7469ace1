// SPDX-License-Identifier: MIT
#include "apps/study/filling.h"

#include "core/check.h"
#include "data/catalog.h"
#include "init/network_initializer.h"

#include <algorithm>

namespace fanin {

FillSample fill_model(Model& model, const Scheme& scheme, const FillOptions& options) {
  FillSample sample;
  const NetworkInitializer* step = scheme.step();
  if (step == nullptr || !step->needs_sample()) {
    model.network.prepare(model.logits, 1, Mode::evaluate);
  } else {
    sample.dataset = std::make_unique<Dataset>(open_dataset(options.data));
    const Dataset& data = *sample.dataset;
    FANIN_CHECK(
        data.image.with_images(1) == model.network.image().with_images(1) && data.classes() <= model.logits.channels(),
        shape,
        "{} looks at images, but those of {} are {}x{}x{} in {} classes and the network is for {}x{}x{} in {}; "
        "give --image, --classes or --data",
        scheme.describe(), options.data, data.image.height, data.image.width, data.image.channels, data.classes(),
        model.network.image().height, model.network.image().width, model.network.image().channels,
        model.logits.channels());
    const int batch = std::min(options.batch, data.train.size());
    sample.source =
        make_batches(data, data.train,
                     {.batch_size = batch, .seed = options.seed, .augmentation = parse_augmentation("none", data)});
    sample.source->start_epoch(1);
    sample.source->next(sample.batch);
    model.network.prepare(model.logits, batch, Mode::train);
  }
  scheme.apply(model.network, sample.batch, options.seed, options.stream);
  return sample;
}

}  // namespace fanin
