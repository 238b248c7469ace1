// What PyTorch's default for Linear and Conv2d does to a ReLU network.
// SPDX-License-Identifier: MIT
#include "apps/lessons/exercise.h"
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/rows.h"
#include "apps/lessons/signals.h"

#include "init/mean_field.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

namespace {

constexpr int kClasses = 10;

// Weights alone: every ReLU layer divides the second moment by 6. Returns the factor that was measured.
double weights_alone(LessonContext& context, int depth, int width, int seeds, Plot& plot) {
  const KeptBatch batch = gaussian_batch(16, width, kClasses, context.settings().seed);
  const std::vector<LayerSignal> layers_of = layer_signals(
      fmt::format("mlp-{}-{}", depth, width), "linear=torch_default", batch, kClasses, seeds, context.settings().seed);
  PlotSeries measured{context.say({"biases 0", "偏置 0"}), {}, {}, {}, {}}, theory{"6^-L", {}, {}, {}, {}};
  theory.reference = true;
  double log_last = 0.0;
  for (std::size_t l = 0; l < layers_of.size(); ++l) {
    const double logs = mean_log(layers_of[l].square) - mean_log(layers_of.front().square);
    measured.x.push_back(static_cast<double>(l) + 1.0);
    measured.y.push_back(layers_of.front().square.mean() * std::exp(logs));
    theory.x.push_back(static_cast<double>(l) + 1.0);
    theory.y.push_back(std::pow(6.0, -static_cast<double>(l)) / 3.0);
    log_last = logs;
  }
  plot.series.push_back(measured);
  plot.series.push_back(theory);
  // As in he2015: ln of the second moment scatters with variance 5 / n a layer.
  const double layers = depth - 1, variance = 5.0 * layers / width,
               allowed = 4.0 * std::sqrt(variance / seeds) + 0.5 * variance;
  const double error = std::fabs(log_last + layers * std::log(6.0));
  context.exact(
      {"With biases 0 the second moment falls by 1/6 a layer: (1/6)^(L-1), within the scatter of finite width.",
       "偏置为 0 时，二阶矩每层变为 1/6：(1/6)^(L-1)，误差在有限宽度的离散范围内。"},
      error <= allowed,
      context.say({"{} layers: {:.3g}, theory {:.3g}; ln differs by {:.3f}, allowed {:.3f}",
                   "{} 层：{:.3g}，理论 {:.3g}；对数相差 {:.3f}，允许 {:.3f}"},
                  depth, std::exp(log_last), std::exp(-layers * std::log(6.0)), error, allowed));
  context.advance(4.0, context.say({"at birth", "出生时"}));
  return std::exp(log_last / layers);
}

// As PyTorch does it, biases from U(+-1/sqrt(fan_in)) as well: the biases are what is left, the same for every input.
void with_biases(LessonContext& context, int depth, int width, int seeds, Plot& plot, Plot& pairs) {
  const KeptBatch batch = gaussian_batch(16, width, kClasses, context.settings().seed);
  const std::vector<LayerSignal> layers_of =
      layer_signals(fmt::format("mlp-{}-{}", depth, width), "torch_default;bias=torch_default", batch, kClasses, seeds,
                    context.settings().seed);
  const MeanField field("relu", 1.0 / 3.0, 1.0 / (3.0 * width));
  double q = 1.0 / 3.0 + 1.0 / (3.0 * width), c = 1.0 / (3.0 * width) / q, worst = 0.0;
  const std::string name = context.say({"with PyTorch's biases", "带 PyTorch 的偏置"});
  PlotSeries measured{name, {}, {}, {}, {}}, theory{context.say({"{}, theory", "{}，理论"}, name), {}, {}, {}, {}},
      alike{name, {}, {}, {}, {}}, alike_theory{theory.name, {}, {}, {}, {}};
  for (PlotSeries* s : {&theory, &alike_theory}) s->reference = true, s->group = name;
  for (std::size_t l = 0; l < layers_of.size(); ++l) {
    for (PlotSeries* s : {&measured, &theory, &alike, &alike_theory}) s->x.push_back(static_cast<double>(l) + 1.0);
    measured.y.push_back(layers_of[l].square.mean());
    theory.y.push_back(q);
    alike.y.push_back(layers_of[l].correlation.mean());
    alike_theory.y.push_back(c);
    // Layer after layer a sum over n squares scatters by sqrt(5 / n), and forgets 5/6 of what it had: sqrt(5 / n * 36 / 11)
    // at most, with the seeds' mean.
    worst = std::max(worst, std::fabs(measured.y.back() / q - 1.0));
    c = field.correlation(c, q);
    q = field.length(q);
  }
  plot.series.push_back(measured);
  plot.series.push_back(theory);
  pairs.series.push_back(alike);
  pairs.series.push_back(alike_theory);
  const double allowed = 4.0 * std::sqrt(5.0 / width * 36.0 / 11.0 / seeds) + 5.0 / width;
  context.exact(
      {"With biases the second moment follows q' = q / 6 + 1 / (3 n) to its fixed point 2 / (5 n).",
       "带偏置时，二阶矩按 q' = q / 6 + 1 / (3 n) 走向不动点 2 / (5 n)。"},
      worst <= allowed,
      context.say({"largest deviation {:.1f} %, allowed {:.1f} %; {:.3g} in the last layer, fixed point {:.3g}",
                   "最大偏差 {:.1f} %，允许 {:.1f} %；最后一层 {:.3g}，不动点 {:.3g}"},
                  100 * worst, 100 * allowed, measured.y.back(), 2.0 / (5.0 * width)));
  context.exact({"By layer 10 two unrelated inputs have become the same: correlation above .99.",
                 "到第 10 层，两个不相关的输入已变得相同：相关系数大于 .99。"},
                alike.y[9] > 0.99,
                context.say({"{:.4f} in layer 1, {:.5f} in layer 10", "第 1 层 {:.4f}，第 10 层 {:.5f}"}, alike.y[0],
                            alike.y[9]));
  context.show(context.say({"correlation of two inputs", "两个输入的相关系数"}), alike.y,
               context.say({"with PyTorch's biases, by layer", "带 PyTorch 偏置，逐层"}));
  context.advance(4.0, context.say({"at birth", "出生时"}));
}

struct Start {
  Text name;
  const char* scheme;
};
constexpr std::array<Start, 2> kStarts = {
    {{{"PyTorch's default", "PyTorch 默认"}, "torch_default;bias=torch_default"}, {{"He", "He"}, "kaiming_normal"}}};
constexpr std::array<int, 3> kDepths = {5, 10, 20};

int seeds_of(const LessonContext& context) { return context.pick(1, 2, 5); }

void train(LessonContext& context) {
  const std::size_t seeds = static_cast<std::size_t>(seeds_of(context)), cells = kDepths.size() * kStarts.size();
  const int steps = context.pick(30, 1500, 10000), window = std::max(1, steps / 50);
  const Dataset data = small_images(context, context.pick(256, 2000, 10000), 10, 8);
  std::vector<Exercised> runs(cells * seeds);
  in_parallel(
      static_cast<int>(runs.size()),
      [&](int i) {
        const std::size_t k = static_cast<std::size_t>(i), cell = k / seeds;
        runs[k] = exercise(data, {.model = fmt::format("mlp-{}-100", kDepths[cell / kStarts.size()]),
                                  .scheme = kStarts[cell % kStarts.size()].scheme,
                                  .rate = 0.01,
                                  .momentum = 0.9,
                                  .steps = steps,
                                  .seed = context.settings().seed + k % seeds});
      },
      [&](int) {
        context.advance(3.0, context.say({"training", "训练"}));
      });
  Plot plot{.title = context.say({"In training", "训练中"}),
            .x_label = context.say({"step", "步"}),
            .y_label = context.say({"mean loss", "平均损失"}),
            .series = {}};
  const auto worst_distance = [&](std::size_t cell) {
    double farthest = 0.0;
    for (std::size_t s = 0; s < seeds; ++s)
      for (const double loss : smooth_series("", runs[cell * seeds + s].loss, window).y)
        farthest = std::max(farthest, std::fabs(loss - std::log(kClasses)));
    return farthest;
  };
  std::vector<std::vector<std::string>> rows;
  for (std::size_t cell = 0; cell < cells; ++cell) {
    const std::string name =
        context.say({"{}, {} layers", "{}，{} 层"}, context.say(kStarts[cell % 2].name), kDepths[cell / 2]);
    plot.series.push_back(smooth_series(name, runs[cell * seeds].loss, window));
    context.show(
        name, plot.series.back().y,
        context.say({"loss, {:.3f} at the end", "损失，最后 {:.3f}"}, runs[cell * seeds].last_loss(window * 4)));
  }
  context.page.figure(plot);
  const double torch20 = worst_distance(4), he20 = worst_distance(5);
  context.outcome({"20 hidden layers with PyTorch's default stay within .01 of ln 10 for the whole run; He's leave it "
                   "by more than .1.",
                   "20 个隐藏层用 PyTorch 默认初始化，整个训练中与 ln 10 相差不到 .01；He 的则超过 .1。"},
                  torch20 <= 0.01 && he20 > 0.1,
                  context.say({"largest distance from ln 10 in {} steps: {:.4f} and {:.3f}",
                               "{} 步内与 ln 10 的最大距离：{:.4f} 与 {:.3f}"},
                              steps, torch20, he20));
  context.outcome(
      {"5 hidden layers train with either.", "5 个隐藏层时两者都能训练。"},
      worst_distance(0) > 0.1 && worst_distance(1) > 0.1,
      context.say({"largest distance from ln 10: {:.3f} and {:.3f}", "与 ln 10 的最大距离：{:.3f} 与 {:.3f}"},
                  worst_distance(0), worst_distance(1)));
}

void run(LessonContext& context) {
  const int depth = context.pick(12, 20, 30), width = context.pick(128, 512, 1000), seeds = context.pick(5, 10, 20);
  context.plan(8.0 + 3.0 * static_cast<double>(kDepths.size() * kStarts.size()) * seeds_of(context));
  Plot moments{.title = context.say({"Second moment of pre-activations", "预激活的二阶矩"}),
               .x_label = context.say({"layer", "层"}),
               .y_label = context.say({"mean square", "均方"}),
               .log_y = true,
               .series = {}},
      pairs{.title = context.say({"Two unrelated inputs", "两个不相关的输入"}),
            .x_label = moments.x_label,
            .y_label = context.say({"correlation", "相关系数"}),
            .series = {}};
  const double factor = weights_alone(context, depth, width, seeds, moments);
  with_biases(context, depth, width, seeds, moments, pairs);
  context.page.figure(moments);
  context.page.figure(pairs);
  context.answer(factor > 0.7 ? 0u : factor > 0.3 ? 1u : 2u);
  train(context);
}

}  // namespace

Lesson pytorch_default_lesson() {
  return {.name = "pytorch-default",
          .title = {"PyTorch's default is not He's rule", "PyTorch 的默认初始化不是 He 的规则"},
          .question = {"torch.nn.Linear and Conv2d call kaiming_uniform_ with a = sqrt(5). The name says Kaiming; what "
                       "does it do to a "
                       "deep ReLU network without normalization?",
                       "torch.nn.Linear 和 Conv2d 调用 kaiming_uniform_，a = sqrt(5)。名字叫 "
                       "Kaiming；它对没有归一化的深 ReLU 网络做了什么？"},
          .prompt = {"By which factor does each ReLU layer change the second moment of the signal, biases aside?",
                     "不计偏置，每个 ReLU 层使信号的二阶矩变为多少倍？"},
          .choices = {{"1, as He's rule does", "1 倍，和 He 的规则一样"},
                      {"1/2, as Xavier's does", "1/2，和 Xavier 一样"},
                      {"1/6", "1/6"}},
          .setup = {"At birth: 20 hidden layers of 512 ReLU units on Gaussian inputs, with biases 0 and with "
                    "PyTorch's. In training: 5, 10 and "
                    "20 hidden layers of 100 units on the built-in images (8 x 8), momentum 0.9, learning rate 0.01.",
                    "出生时：20 个隐藏层、每层 512 个 ReLU 单元，高斯输入，偏置为 0 或为 PyTorch 的。训练时：5、10、20 "
                    "个隐藏层、每层 100 个单元，"
                    "内置图像（8 x 8），动量 0.9，学习率 0.01。"},
          .differs =
              {"There is no paper: U(+-1/sqrt(fan_in)) came from Torch7 and was rewritten as kaiming_uniform_ with a = "
               "sqrt(5), which "
               "gives the same numbers. Most networks in use have normalization layers, which hide it.",
               "没有对应的论文：U(+-1/sqrt(fan_in)) 来自 Torch7，后来改写成 a = sqrt(5) 的 kaiming_uniform_，数值相同。"
               "多数实际网络带有归一化层，把它掩盖了。"},
          .source = "torch.nn.Linear, torch.nn.Conv2d since 1.0; pytorch issue 15314",
          .minutes = 0.3,
          .run = run};
}

}  // namespace fanin
