// Trains one small wide residual network from two initializations, on the same images in the same order.
// SPDX-License-Identifier: MIT
#include "core/train/trainer.h"
#include "data/batches.h"
#include "data/catalog.h"
#include "init/catalog.h"
#include "models/catalog.h"

#include <cstdio>

struct Printer : fanin::TrainObserver {
  void after_epoch(const fanin::EpochRow& row, const fanin::TrainProgress&) override {
    std::printf("  epoch %d: train loss %.3f, test accuracy %.1f %%\n", row.epoch, row.train_loss,
                100 * row.test_accuracy);
  }
};

int main() {
  const fanin::Dataset data = fanin::open_dataset("synthetic:train=1000,test=500");
  const fanin::Augmentation augmentation = fanin::parse_augmentation("crop,mirror", data);

  for (const char* scheme : {"kaiming_normal", "normal:std=0.01"}) {
    std::printf("%s\n", scheme);
    fanin::Model model = fanin::build_model("wrn-10-1:norm=bn", data.image, data.classes());
    model.network.prepare(model.logits, /*largest_batch=*/100);
    fanin::make_scheme(scheme)->apply(model.network, /*sample=*/{}, /*seed=*/1);

    const auto train =
        fanin::make_batches(data, data.train, {.batch_size = 50, .seed = 1, .augmentation = augmentation});
    const auto test = fanin::make_batches(
        data, data.test,
        {.batch_size = 100, .shuffle = false, .drop_last = false, .augmentation = normalization_only(augmentation)});
    fanin::Trainer trainer(model.network, *train, test.get(),
                           {.epochs = 3, .schedule = {.kind = "cosine", .peak = 0.05, .epochs = 3}});
    Printer printer;
    trainer.run(printer);
  }
}
