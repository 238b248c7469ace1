// He et al. 2015: a ReLU layer halves the signal unless weights make up for it; 22 and 30 layers in training.
// SPDX-License-Identifier: MIT
#include "apps/lessons/exercise.h"
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/rows.h"
#include "apps/lessons/signals.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

namespace {

constexpr int kClasses = 10;

struct Start {
  Text name;
  const char* scheme;
  double log_factor;  // of the second moment, a layer: n Var[w] / 2
};
const std::array<Start, 2> kStarts = {{{{"Xavier, Var 1/n", "Xavier，方差 1/n"}, "xavier_normal", std::log(0.5)},
                                       {{"He, Var 2/n", "He，方差 2/n"}, "kaiming_normal", 0.0}}};

struct Depths {
  std::vector<double> layer, rms;  // of pre-activations relative to the first layer's; the geometric mean over seeds
  double log_square = 0;           // mean over seeds of ln(last / first second moment)
};

Depths signal(const Start& start, int depth, int width, int seeds, std::uint64_t first) {
  const KeptBatch batch = gaussian_batch(16, width, kClasses, first);
  const std::vector<LayerSignal> layers =
      layer_signals(fmt::format("mlp-{}-{}", depth, width), start.scheme, batch, kClasses, seeds, first);
  Depths result;
  for (const LayerSignal& l : layers) {
    result.log_square = mean_log(l.square) - mean_log(layers.front().square);
    result.layer.push_back(static_cast<double>(result.layer.size()) + 1.0);
    result.rms.push_back(std::exp(0.5 * result.log_square));
  }
  return result;
}

// ln of a second moment after L layers of width n: for one input its mean is L ln(factor) - variance / 2 and its variance
// 5 L / n (the fourth moment of a ReLU of a Gaussian; Hanin & Rolnick 2018); several inputs vary less.
void at_birth(LessonContext& context) {
  const int width = context.pick(100, 256, 256), seeds = context.pick(5, 20, 100);
  const std::array<int, 3> depths = {22, 27, 30};
  Plot plot{.title = context.say({"Signal at birth, 30 layers", "出生时的信号，30 层"}),
            .x_label = context.say({"layer", "层"}),
            .y_label = context.say({"rms pre-activation, relative to layer 1", "预激活的均方根，相对于第 1 层"}),
            .log_y = true,
            .series = {}};
  std::vector<std::vector<std::string>> rows;
  double worst = 0.0, xavier30 = 0.0;
  for (const Start& start : kStarts)
    for (const int depth : depths) {
      const std::string name = context.say(start.name);
      const Depths d = signal(start, depth, width, seeds, context.settings().seed);
      const double layers = depth - 1, variance = 5.0 * layers / width;
      const double expected = layers * start.log_factor, error = 4.0 * std::sqrt(variance / seeds) + 0.5 * variance;
      worst = std::max(worst, std::fabs(d.log_square - expected) / error);
      rows.push_back({name, fmt::format("{}", depth), fmt::format("{:.3g}", d.rms.back()),
                      fmt::format("{:.3g}", std::exp(0.5 * expected)), fmt::format("{:.2f}", std::exp(0.5 * error))});
      if (depth == 30) {
        plot.series.push_back({name, d.layer, d.rms, {}, {}});
        PlotSeries theory{context.say({"{}, theory", "{}，理论"}, name), d.layer, {}, {}, {}};
        for (const double l : d.layer) theory.y.push_back(std::exp(0.5 * (l - 1.0) * start.log_factor));
        theory.reference = true;
        theory.group = name;
        plot.series.push_back(theory);
        context.show(context.say({"{}: rms by layer", "{}：逐层均方根"}, name), d.rms,
                     context.say({"ends at {:.3g} of the first layer", "最后为第一层的 {:.3g}"}, d.rms.back()));
        if (start.log_factor < 0.0) xavier30 = d.rms.back();
      }
      context.advance(3.0, name);
    }
  context.page.figure(plot);
  context.page.table({context.say({"start", "起点"}), context.say({"layers", "层数"}),
                      context.say({"rms of the last layer / of the first", "最后一层与第一层的均方根之比"}),
                      context.say({"theory", "理论"}), context.say({"within a factor of", "允许的倍数"})},
                     rows);
  context.exact(
      {"The last layer's std relative to the first is (1/sqrt 2)^(L-1) with Xavier and 1 with He, for 22, 27 and 30 "
       "layers, "
       "within the scatter of products of matrices of this width.",
       "最后一层与第一层的标准差之比，Xavier 为 (1/sqrt 2)^(L-1)，He 为 1（22、27、30 "
       "层），误差在该宽度的矩阵乘积的离散范围内。"},
      worst <= 1.0,
      context.say({"largest distance {:.2f} of what is allowed; 30 layers of Xavier end at {:.2g}, theory {:.2g}",
                   "最大偏离为允许值的 {:.2f}；30 层 Xavier 最后为 {:.2g}，理论 {:.2g}"},
                  worst, xavier30, std::exp(14.5 * std::log(0.5))));
}

struct Training {
  int depth;
  std::size_t start;
  std::vector<Exercised> runs;  // one a seed
};

int seeds_of(const LessonContext& context) { return context.pick(1, 3, 5); }

std::optional<double> steps_to(const Training& t, double target) {
  std::vector<double> steps;
  for (const Exercised& run : t.runs) {
    const std::optional<int> s = run.steps_to(target, 20);
    if (!s) return std::nullopt;
    steps.push_back(*s);
  }
  return median_of(steps);
}

std::string text_of(const std::optional<double>& steps) { return steps ? fmt::format("{:.0f}", *steps) : "-"; }

void train(LessonContext& context) {
  const int seeds = seeds_of(context), steps = context.pick(30, 1200, 6000), width = context.pick(24, 100, 256),
            window = std::max(1, steps / 60);
  const Dataset data = small_images(context, context.pick(256, 2000, 10000), 10, 8);
  std::vector<Training> all;
  for (const int depth : {22, 30})
    for (std::size_t s = 0; s < kStarts.size(); ++s)
      all.push_back({depth, s, std::vector<Exercised>(static_cast<std::size_t>(seeds))});
  in_parallel(
      static_cast<int>(all.size()) * seeds,
      [&](int i) {
        Training& t = all[static_cast<std::size_t>(i / seeds)];
        t.runs[static_cast<std::size_t>(i % seeds)] =
            exercise(data, {.model = fmt::format("mlp-{}-{}", t.depth - 1, width),
                            .scheme = kStarts[t.start].scheme,
                            .rate = 0.01,
                            .momentum = 0.9,
                            .weight_decay = 5e-4,
                            .steps = steps,
                            .seed = context.settings().seed + static_cast<std::uint64_t>(i % seeds)});
      },
      [&](int i) { context.advance(6.0, context.say(kStarts[all[static_cast<std::size_t>(i / seeds)].start].name)); });

  for (const int depth : {22, 30}) {
    Plot plot{.title = context.say({"{} layers in training", "训练 {} 层的网络"}, depth),
              .x_label = context.say({"step", "步"}),
              .y_label = context.say({"mean loss", "平均损失"}),
              .series = {}};
    for (const Training& t : all) {
      if (t.depth != depth) continue;
      plot.series.push_back(smooth_series(context.say(kStarts[t.start].name), t.runs.front().loss, window));
      context.show(context.say({"{} layers, {}", "{} 层，{}"}, depth, plot.series.back().name), plot.series.back().y,
                   context.say({"loss, {:.3f} at the end", "损失，最后 {:.3f}"}, t.runs.front().last_loss(window * 4)));
    }
    context.page.figure(plot);
  }
  const double target = std::log(kClasses) - 0.1;
  const std::optional<double> xavier22 = steps_to(all[0], target), he22 = steps_to(all[1], target);
  context.outcome({"22 layers: He reaches a loss of ln 10 - 0.1 in no more steps than Xavier.",
                   "22 层：He 达到损失 ln 10 - 0.1 的步数不多于 Xavier。"},
                  he22 && (!xavier22 || *he22 <= *xavier22),
                  context.say({"median steps: He {}, Xavier {} (-: not every seed within {} steps)",
                               "步数的中位数：He {}，Xavier {}（-：并非每个种子都在 {} 步内达到）"},
                              text_of(he22), text_of(xavier22), steps));
  double farthest = 0.0, he_last = 0.0;
  for (const Exercised& run : all[2].runs)
    for (const double loss : smooth_series("", run.loss, window).y)
      farthest = std::max(farthest, std::fabs(loss - std::log(kClasses)));
  for (const Exercised& run : all[3].runs) he_last = std::max(he_last, run.last_loss(window * 4));
  context.outcome({"30 layers: Xavier's loss stays within .01 of ln 10 for the whole run, every seed.",
                   "30 层：每个种子的 Xavier 损失在整个训练中都与 ln 10 相差不到 .01。"},
                  farthest <= 0.01, context.say({"largest distance {:.4f}", "最大距离 {:.4f}"}, farthest));
  context.outcome(
      {"30 layers: He ends below ln 10 - 0.1, every seed.", "30 层：每个种子的 He 最后都低于 ln 10 - 0.1。"},
      he_last < target,
      context.say({"worst seed ends at {:.3f}, ln 10 - 0.1 = {:.3f}", "最差的种子最后为 {:.3f}，ln 10 - 0.1 = {:.3f}"},
                  he_last, target));
  context.answer(farthest <= 0.01 ? (he_last < target ? 0u : 2u) : 1u);
}

void run(LessonContext& context) {
  context.plan(18.0 + 24.0 * seeds_of(context));
  at_birth(context);
  train(context);
}

}  // namespace

Lesson he2015_lesson() {
  return {
      .name = "he2015",
      .title = {"ReLU halves the signal: He's factor 2", "ReLU 使信号减半：He 的因子 2"},
      .question =
          {"Xavier's variance 1/n keeps a linear signal. A ReLU layer passes only half of it. Over 30 layers that is a "
           "factor of 2^-15 in the standard deviation. Does such a network still learn?",
           "Xavier 的方差 1/n 能保持线性信号。ReLU 层只让一半通过。经过 30 层，标准差变为原来的 "
           "2^-15。这样的网络还能学习吗？"},
      .prompt =
          {"30 layers of ReLU units, plain SGD with momentum, no BatchNorm. What happens within a thousand steps?",
           "30 层 ReLU，带动量的 SGD，没有 BatchNorm。一千步之内会怎样？"},
      .choices = {{"He learns, Xavier does not move", "He 学习，Xavier 不动"},
                  {"both learn, He earlier", "两者都学习，He 更早"},
                  {"neither learns: 30 layers are too many", "都不学习：30 层太多"}},
      .setup = {"At birth: networks of 22, 27 and 30 layers, 256 wide, on Gaussian inputs. In training: 22 and 30 "
                "layers, 100 wide, "
                "on the built-in images (8 x 8), momentum 0.9, learning rate 0.01, three seeds.",
                "出生时：22、27、30 层，宽 256，高斯输入。训练时：22 和 30 层，宽 100，内置图像（8 x 8），动量 "
                "0.9，学习率 0.01，三个种子。"},
      .differs = {"The paper trains convolutional networks on ImageNet for days; here they are perceptrons with layers "
                  "of equal width, "
                  "where the factor 1/2 a layer is exact and no image border dims the signal. Its 30-layer network "
                  "converges but is "
                  "worse than its 14-layer one: learning at all is the claim, not learning better.",
                  "原文在 ImageNet 上训练卷积网络数天；这里是各层等宽的感知机，每层因子 1/2 "
                  "是精确的，也没有图像边缘使信号变弱。"
                  "原文的 30 层网络虽然收敛，但不如 14 层的：结论是能学习，而不是学得更好。"},
      .source = "He et al. 2015, Delving Deep into Rectifiers, figures 2 and 3",
      .minutes = 0.5,
      .run = run};
}

}  // namespace fanin
