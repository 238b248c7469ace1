// SPDX-License-Identifier: MIT
#include "apps/lessons/glorot2010_training.h"

#include "apps/lessons/exercise.h"
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace fanin {

namespace {

// A second network of the same shape takes the weights now and then and is looked at, so that training goes on unseen.
class Mirror : public Observer {
 public:
  Mirror(const std::string& spec, const Dataset& data, const Tensor& images)
      : model_(build_model(spec, data.image, data.classes())), images_(images) {
    model_.network.prepare(model_.logits, images.shape().images);
    model_.network.observe(this);
  }
  void look(const Network& net) {
    std::copy(net.values().begin(), net.values().end(), model_.network.values().begin());
    statistics.clear();
    model_.network.forward(images_.view(), Mode::evaluate);
  }
  void value(std::string_view name, ConstView v) override {
    if (name.starts_with("act")) statistics[std::string(name)] = statistics_of(v, {});
  }
  std::map<std::string, ValueStatistics> statistics;

 private:
  Model model_;
  const Tensor& images_;
};

Tensor normalized(const Dataset& data, int count) {
  Augmentation plain;
  plain.mean = data.mean;
  plain.std = data.std;
  Tensor images(data.image.with_images(count));
  for (int n = 0; n < count; ++n)
    augment(plain, data.image, data.train.pixels.data() + static_cast<std::size_t>(n) * data.image.size(), Rng(0),
            images.view().images(n, 1).data);
  return images;
}

constexpr int kSigmoidLayers = 4;

int saturation_steps(const LessonContext& context) { return context.pick(40, 6000, 40000); }

// Mean and deviation of each layer of a sigmoid network from the standard start, over epochs.
std::array<PlotSeries, kSigmoidLayers> saturate(const LessonContext& context, const Dataset& data) {
  const int steps = saturation_steps(context), every = std::max(1, steps / 60), epoch = data.train.size() / 10;
  const std::string spec = fmt::format("mlp-{}-{}:act=sigmoid", kSigmoidLayers, context.pick(20, 200, 1000));
  const Tensor images = normalized(data, std::min(200, data.train.size()));
  Mirror mirror(spec, data, images);
  std::array<PlotSeries, kSigmoidLayers> lines;
  for (std::size_t l = 0; l < lines.size(); ++l) lines[l].name = context.say({"layer {}", "第 {} 层"}, l + 1);
  exercise(data,
           {.model = spec,
            .scheme = "linear=torch_default",
            .rate = 0.1,
            .batch = 10,
            .steps = steps,
            .seed = context.settings().seed},
           [&](int step, Network& net) {
             if (step % every != 0) return;
             mirror.look(net);
             for (std::size_t l = 0; l < lines.size(); ++l) {
               const ValueStatistics& s = mirror.statistics.at(fmt::format("act{}", l));
               lines[l].x.push_back(static_cast<double>(step) / epoch);
               lines[l].y.push_back(s.mean);
               lines[l].low.push_back(s.mean - s.std);
               lines[l].high.push_back(s.mean + s.std);
             }
           });
  return lines;
}

// The paper: the top layer goes to 0 and is stuck there.
void saturation(LessonContext& context, const std::array<PlotSeries, kSigmoidLayers>& lines) {
  Plot plot{
      .title = context.say({"Sigmoid units in training, mean and deviation", "训练中的 sigmoid 单元，均值与标准差"}),
      .x_label = context.say({"epoch", "轮"}),
      .y_label = context.say({"activation", "激活值"}),
      .series = {lines.begin(), lines.end()}};
  context.page.figure(plot);
  const std::vector<double>& top = lines.back().y;
  const double least = *std::min_element(top.begin(), top.end());
  context.show(context.say({"top sigmoid layer", "最高的 sigmoid 层"}), top,
               context.say({"mean activation, at least {:.3f}", "平均激活值，最小 {:.3f}"}, least));
  context.outcome(
      {"The top layer of a sigmoid network saturates: its mean activation falls below .05 within the run.",
       "sigmoid 网络的最高层饱和：平均激活值在训练中降到 .05 以下。"},
      least < 0.05,
      context.say({"lowest mean {:.3f}, from {:.3f} at the start; {} steps", "最低均值 {:.3f}，开始时为 {:.3f}；{} 步"},
                  least, top.front(), saturation_steps(context)));
}

struct Method {
  const char* name;
  const char* activation;
  const char* scheme;
  int depth;
};
constexpr std::array<Method, 5> kMethods = {{{"softsign", "softsign", "linear=torch_default", 5},
                                             {"softsign N", "softsign", "xavier_uniform", 5},
                                             {"tanh", "tanh", "linear=torch_default", 5},
                                             {"tanh N", "tanh", "xavier_uniform", 5},
                                             {"sigmoid", "sigmoid", "linear=torch_default", 4}}};
constexpr std::array<double, 3> kRates = {0.02, 0.1, 0.5};

int seeds_of(const LessonContext& context) { return context.pick(1, 2, 5); }

void train(LessonContext& context, const Dataset& data) {
  const std::size_t seeds = static_cast<std::size_t>(seeds_of(context)), per_method = kRates.size() * seeds;
  const int steps = context.pick(30, 4000, 40000);
  std::vector<Exercised> runs(kMethods.size() * per_method);
  std::array<PlotSeries, kSigmoidLayers> lines;
  in_parallel(
      static_cast<int>(runs.size()) + 1,
      [&](int i) {
        if (i == 0) {  // the longest
          lines = saturate(context, data);
          return;
        }
        const std::size_t k = static_cast<std::size_t>(i - 1);
        const Method& m = kMethods[k / per_method];
        runs[k] =
            exercise(data, {.model = fmt::format("mlp-{}-{}:act={}", m.depth, context.pick(20, 100, 300), m.activation),
                            .scheme = m.scheme,
                            .rate = kRates[k % per_method / seeds],
                            .batch = 10,
                            .steps = steps,
                            .seed = context.settings().seed + k % seeds,
                            .test = true});
      },
      [&](int i) {
        context.advance(i == 0 ? 20.0 : 2.0, context.say({"training", "训练"}));
      });
  saturation(context, lines);
  std::array<double, kMethods.size()> error;
  std::vector<std::vector<std::string>> rows;
  std::vector<double> shown;
  for (std::size_t m = 0; m < kMethods.size(); ++m) {
    double best_rate = 0.0;
    error[m] = 2.0;
    for (std::size_t r = 0; r < kRates.size(); ++r) {
      double sum = 0.0;
      for (std::size_t s = 0; s < seeds; ++s)
        sum += (1.0 - runs[m * per_method + r * seeds + s].test_accuracy) / static_cast<double>(seeds);
      if (sum < error[m]) error[m] = sum, best_rate = kRates[r];
    }
    rows.push_back({kMethods[m].name, fmt::format("{:.2f}", 100.0 * error[m]), fmt::format("{}", best_rate)});
    shown.push_back(error[m]);
  }
  context.page.table({context.say({"method (N: normalized)", "方法（N：归一化）"}),
                      context.say({"test error, %", "测试误差，%"}), context.say({"best learning rate", "最佳学习率"})},
                     rows);
  const std::string numbers = context.say(
      {"test error: softsign {:.1f} %, softsign N {:.1f} %, tanh {:.1f} %, tanh N {:.1f} %, sigmoid {:.1f} %",
       "测试误差：softsign {:.1f} %，softsign N {:.1f} %，tanh {:.1f} %，tanh N {:.1f} %，sigmoid {:.1f} %"},
      100 * error[0], 100 * error[1], 100 * error[2], 100 * error[3], 100 * error[4]);
  context.show(context.say({"test errors", "测试误差"}), shown, numbers);
  context.outcome({"tanh with normalized weights has a lower test error than with standard ones.",
                   "tanh 用归一化权重时测试误差低于标准权重。"},
                  error[3] < error[2], numbers);
  context.outcome({"The sigmoid network is the worst.", "sigmoid 网络最差。"},
                  error[4] >= *std::max_element(error.begin(), error.begin() + 4), numbers);
}

}  // namespace

double glorot_training_units(const LessonContext& context) {
  return 20.0 + 2.0 * static_cast<double>(kMethods.size() * kRates.size()) * seeds_of(context);
}

void glorot_training(LessonContext& context) {
  const Dataset data = small_images(context, context.pick(200, 4000, 20000), context.pick(100, 1000, 2000), 8);
  train(context, data);
}

}  // namespace fanin
