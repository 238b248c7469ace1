// An initializer of one's own: weights of one size, their signs drawn. Held to its promise, compared with He's draws.
// SPDX-License-Identifier: MIT
#include "core/check.h"
#include "core/train/trainer.h"
#include "data/batches.h"
#include "data/catalog.h"
#include "init/catalog.h"
#include "init/fan.h"
#include "init/self_test.h"
#include "models/catalog.h"

#include <cmath>
#include <cstdio>

class Signs : public fanin::Initializer {
 public:
  std::string describe() const override { return "+-sqrt(2 / fan_in)"; }

  // What it promises. The self-test measures it, `explain`-like tables print it.
  std::optional<double> variance(const fanin::WeightShape& shape) const override { return 2.0 / fanin::fan(shape).in; }
  double kurtosis(const fanin::WeightShape&) const override { return 1.0; }  // all weights have the same square

  // `weights` lie in the order of a file (out, in, row, column). Draw from `draws` only: then the same seed gives the
  // same weights on any number of threads, and no other parameter's draws shift.
  void fill(const fanin::WeightShape& shape, std::span<float> weights, fanin::Draws& draws) const override {
    FANIN_CHECK(shape.rank >= 2, shape, "signs needs a weight of at least 2 dimensions, not {}; use zeros",
                to_string(shape));
    draws.uniform(weights, -1.0, 1.0);
    const float size = static_cast<float>(std::sqrt(*variance(shape)));
    for (float& w : weights) w = w < 0.0f ? -size : size;
  }
};

double loss_after_training(const fanin::Scheme& scheme) {
  const fanin::Dataset data = fanin::open_dataset("synthetic:train=600,test=200");
  const fanin::Augmentation augmentation = fanin::parse_augmentation("crop,mirror", data);
  fanin::Model model = fanin::build_model("plain-8-8", data.image, data.classes());
  model.network.prepare(model.logits, 50);
  scheme.apply(model.network, {}, /*seed=*/1);

  const auto train = fanin::make_batches(data, data.train, {.batch_size = 50, .seed = 1, .augmentation = augmentation});
  const auto test = fanin::make_batches(
      data, data.test,
      {.batch_size = 50, .shuffle = false, .drop_last = false, .augmentation = normalization_only(augmentation)});
  fanin::Trainer trainer(model.network, *train, test.get(), {.epochs = 2, .schedule = {.peak = 0.02, .epochs = 2}});
  struct Last : fanin::TrainObserver {
    double loss = 0.0;
    void after_epoch(const fanin::EpochRow& row, const fanin::TrainProgress&) override { loss = row.train_loss; }
  } last;
  trainer.run(last);
  return last.loss;
}

int main() {
  const fanin::InitializerPtr signs = std::make_shared<Signs>();
  for (const fanin::SelfTestCheck& check :
       fanin::self_test(*signs, fanin::WeightShape::conv(3, 16, 32, 1), /*seed=*/1)) {
    std::printf("%-12s %s: %s\n", check.name.c_str(), check.finding.c_str(), check.passed ? "ok" : "FAILED");
    if (!check.passed) return 1;
  }
  const auto mine = fanin::by_rules("signs", {{"conv", signs}, {"fc.weight", fanin::make_initializer("zeros")}});
  const auto he = fanin::make_scheme("kaiming_normal;fc.weight=zeros");
  std::printf("loss of signs %.3f, of kaiming_normal %.3f\n", loss_after_training(*mine), loss_after_training(*he));
}
