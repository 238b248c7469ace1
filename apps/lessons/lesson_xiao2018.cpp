// Deep tanh convolutional networks: what lets a signal through.
// SPDX-License-Identifier: MIT
#include "apps/lessons/interior.h"
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/rows.h"
#include "apps/lessons/trials.h"

#include "init/mean_field.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

namespace {

// chi1 of convolutions and of the perceptron against theory, at bias variance 0.05 and q*.
void chi(LessonContext& context) {
  const int seeds = context.pick(20, 60, 300);
  PlotSeries conv{context.say({"convolutions", "卷积网络"}), {}, {}, {}, {}},
      linear{context.say({"perceptron", "感知机"}), {}, {}, {}, {}},
      theory{context.say({"theory", "理论"}), {}, {}, {}, {}};
  theory.reference = true;
  double worst = 0.0, loosest = 0.0;
  std::string numbers;
  for (const double variance : {1.2, 1.5, 1.76, 2.0, 2.5}) {
    const MeanField field("tanh", variance, 0.05);
    const double q = *field.fixed_length(), expected = field.chi1(q);
    ChainPlan plan{.layers = 10,
                   .width = 24,
                   .kernel = 3,
                   .side = 24,
                   .weight_variance = variance,
                   .bias_variance = 0.05,
                   .length = q,
                   .seeds = seeds,
                   .seed = context.settings().seed};
    const PerLayer c = per_layer(gradient_growth(plan), plan.layers);
    plan.kernel = 1, plan.side = 1, plan.width = 96;
    const PerLayer l = per_layer(gradient_growth(plan), plan.layers);
    for (PlotSeries* s : {&conv, &linear, &theory}) s->x.push_back(variance);
    conv.y.push_back(c.factor), linear.y.push_back(l.factor), theory.y.push_back(expected);
    // Finite width: of the order of 1 / fan_in a layer, here 1/216 and 1/96.
    worst = std::max({worst, std::fabs(c.factor - expected) / (5 * c.error + expected / 216),
                      std::fabs(l.factor - expected) / (5 * l.error + expected / 96)});
    loosest = std::max({loosest, c.error, l.error});
    numbers += fmt::format("{}{}: {:.3f}, {:.3f}, {:.3f}", numbers.empty() ? "" : "; ", variance, c.factor, l.factor,
                           expected);
    context.advance(1.0, fmt::format("chi1, {}", variance));
  }
  context.page.formula("\\chi_1 = \\sigma_w^2 E \\phi'(\\sqrt{q^*} z)^2");
  context.page.figure(Plot{.title = context.say({"Growth of squared gradients, a layer", "梯度平方每层的增长"}),
                           .x_label = "sigma_w^2",
                           .y_label = "chi1",
                           .series = {conv, linear, theory}});
  context.show("chi1", conv.y, listed(conv.y, "{:.3f}"));
  context.exact({"chi1 of a convolutional network without a border is that of the perceptron and of theory.",
                 "没有边界的卷积网络的 chi1 与感知机和理论的相同。"},
                worst <= 1.0 && loosest < 0.03,
                context.say({"sigma_w^2: convolutions, perceptron, theory: {}; allowed are 5 standard errors (at most "
                             "{:.3f}) and 1 / fan_in",
                             "sigma_w^2：卷积、感知机、理论：{}；允许 5 个标准误（至多 {:.3f}）加 1 / fan_in"},
                            numbers, loosest));
}

struct Start {
  Text name;
  const char* scheme;
};
// On 8 x 8 pixels with zeros around them a 3x3 average loses the factor ((1 + 2 cos(pi / 9)) / 3)^2 = 0.921 of its
// longest wave; the second start makes up for that, so that it is critical in spite of the border.
constexpr std::array<Start, 3> kStarts = {
    {{{"delta-orthogonal", "delta 正交"}, "delta_orthogonal;linear=xavier_normal"},
     {{"Gaussian, critical", "高斯，临界"}, "conv=variance_scaling:scale=1.0858;linear=xavier_normal"},
     {{"Gaussian, off critical", "高斯，偏离临界"}, "conv=variance_scaling:scale=0.5;linear=xavier_normal"}}};
constexpr std::array<const char*, 3> kLinear = {"delta_orthogonal;linear=xavier_normal",
                                                "orthogonal;linear=xavier_normal",
                                                "conv=variance_scaling:scale=1;linear=xavier_normal"};

// Root mean square behind each convolution of a linear network, relative to the first.
void norms(LessonContext& context) {
  constexpr int kLayers = 30, kWidth = 16;
  std::vector<std::string> nodes;
  for (int i = 0; i < kLayers; ++i) nodes.push_back(fmt::format("conv{}", i));
  const std::array<Text, 3> names = {{{"delta-orthogonal", "delta 正交"},
                                      {"orthogonal k x k kernel", "正交的 k x k 核"},
                                      {"Gaussian, variance 1 / fan_in", "高斯，方差 1 / fan_in"}}};
  Plot plot{.title = context.say({"Size of the signal, linear convolutions on 8 x 8", "信号大小，8 x 8 上的线性卷积"}),
            .x_label = context.say({"layer", "层"}),
            .y_label = context.say({"rms relative to layer 0", "均方根，相对于第 0 层"}),
            .log_y = true,
            .series = {}};
  double deviation = 0.0, other = 0.0;
  for (std::size_t s = 0; s < kLinear.size(); ++s) {
    InteriorPlan plan{.model = fmt::format("plain-{}-{}:stages=1,act=identity", kLayers + 1, kWidth),
                      .scheme = kLinear[s],
                      .nodes = nodes};
    plan.side = 8, plan.rim = 0, plan.images = 8, plan.seeds = 4, plan.seed = context.settings().seed;
    const std::vector<OverSeeds> squares = interior_squares(plan);
    PlotSeries series{context.say(names[s]), count_from(0, kLayers), {}, {}, {}};
    for (const OverSeeds& q : squares) series.y.push_back(std::sqrt(q.mean() / squares.front().mean()));
    for (const double r : series.y)
      if (s == 0) deviation = std::max(deviation, std::fabs(r - 1.0));
    if (s == 1) other = series.y.back();
    plot.series.push_back(series);
    context.advance(0.5, series.name);
  }
  context.page.figure(plot);
  // As the test of delta_orthogonal: (in + 2) sqrt(in) roundings of 2^-24 a layer.
  const double rounding = kLayers * (kWidth + 2) * std::sqrt(kWidth) * 0x1p-24;
  context.exact({"A delta-orthogonal convolution keeps the norm exactly, through 30 layers and with zero padding.",
                 "delta 正交卷积精确保持范数：30 层，零填充。"},
                deviation <= rounding,
                context.say({"largest change {:.1e}, rounding allows {:.1e}; an orthogonal k x k kernel leaves {:.3g}",
                             "最大变化 {:.1e}，舍入允许 {:.1e}；正交的 k x k 核剩下 {:.3g}"},
                            deviation, rounding, other));
}

void train(LessonContext& context, const std::vector<int>& depths, const std::vector<double>& rates) {
  const int steps = context.pick(8, 200, 1500);
  const Dataset data = clusters(context.pick(256, 4000, 20000), 10, 8, 0.3, context.settings().seed);
  std::vector<Exercise> trials;
  for (const int depth : depths)
    for (const Start& start : kStarts)
      for (const double rate : rates)
        trials.push_back({.model = fmt::format("plain-{}-16:stages=1,act=tanh", depth + 1),
                          .scheme = start.scheme,
                          .rate = rate,
                          .momentum = 0.9,
                          .steps = steps,
                          .seed = context.settings().seed});
  const std::vector<Exercised> runs = run_trials(context, data, trials);
  Plot plot{.title = context.say({"Training loss, best rate", "训练损失，最好的学习率"}),
            .x_label = context.say({"step", "步"}),
            .y_label = context.say({"mean loss", "平均损失"}),
            .series = {}};
  std::vector<double> accuracy, loss;
  std::vector<Page::Row> rows;
  for (std::size_t i = 0; i < runs.size(); i += rates.size()) {
    const auto best = std::min_element(
        runs.begin() + static_cast<std::ptrdiff_t>(i), runs.begin() + static_cast<std::ptrdiff_t>(i + rates.size()),
        [](const Exercised& a, const Exercised& b) { return a.last_loss() < b.last_loss(); });
    const std::string name = fmt::format("{}, {}", context.say(kStarts[i / rates.size() % kStarts.size()].name),
                                         depths[i / rates.size() / kStarts.size()]);
    plot.series.push_back(smooth_series(name, best->loss, std::max(1, steps / 30)));
    accuracy.push_back(100 * best->last_accuracy()), loss.push_back(best->last_loss());
    rows.push_back({name, fmt::format("{:.3f}", loss.back()), fmt::format("{:.1f} %", accuracy.back()),
                    fmt::format("{:g}", rates[static_cast<std::size_t>(best - runs.begin()) - i])});
  }
  context.page.figure(plot);
  context.page.table({context.say({"start, depth", "起点，深度"}), context.say({"last loss", "最后损失"}),
                      context.say({"training accuracy", "训练精度"}), context.say({"rate", "学习率"})},
                     rows);
  const std::size_t deep = 3 * (depths.size() - 1);
  const std::string numbers = listed({accuracy[deep], accuracy[deep + 1], accuracy[deep + 2]}, "{:.1f} %");
  context.outcome({"At the larger depth delta-orthogonal reaches 90 % of the training images.",
                   "较深时，delta 正交在训练图像上达到 90 %。"},
                  accuracy[deep] >= 90.0,
                  context.say({"depth {}: {} (delta-orthogonal, critical, off critical)",
                               "深度 {}：{}（delta 正交、临界、偏离临界）"},
                              depths.back(), numbers));
  context.outcome(
      {"The Gaussian critical start is slower: a higher loss at the end.", "高斯临界起点更慢：最后的损失更高。"},
      loss[deep + 1] > loss[deep], listed({loss[deep + 1], loss[deep]}));
  context.outcome({"Off the critical line nothing is learned: at most 15 % accuracy.",
                   "偏离临界线时什么也学不到：精度不超过 15 %。"},
                  accuracy[deep + 2] <= 15.0, fmt::format("{:.1f} %", accuracy[deep + 2]));
  context.answer(loss[deep] < loss[deep + 1] && loss[deep] < 2.0 ? 0u : loss[deep + 1] < 2.0 ? 1u : 2u);
}

void run(LessonContext& context) {
  const std::vector<int> depths = context.settings().size == LessonSize::quick   ? std::vector<int>{8}
                                  : context.settings().size == LessonSize::usual ? std::vector<int>{16, 64}
                                                                                 : std::vector<int>{64, 256};
  const std::vector<double> rates =
      context.settings().size == LessonSize::quick ? std::vector<double>{0.03} : std::vector<double>{0.01, 0.1};
  context.plan(5.0 + 1.5 + 3.0 * static_cast<double>(depths.size() * rates.size()));
  chi(context);
  norms(context);
  train(context, depths, rates);
}

}  // namespace

Lesson xiao2018_lesson() {
  return {.name = "xiao2018",
          .title = {"Convolutions that keep every wave", "保持每一种波的卷积"},
          .question = {"A tanh network without shortcuts and without norm trains if its signal neither fades nor "
                       "explodes: chi1 = 1. Is that "
                       "enough for convolutions, or must every spatial frequency get through alike?",
                       "没有捷径、没有归一化的 tanh 网络，只要信号既不消失也不爆炸（chi1 = "
                       "1）就能训练。对卷积来说这就够了吗，还是每种空间频率都必须"
                       "同样通过？"},
          .prompt = {"64 tanh convolutions in a row. Which start has the lowest loss after 200 steps?",
                     "连续 64 个 tanh 卷积层。200 步之后，哪种起点的损失最低？"},
          .choices = {{"delta-orthogonal", "delta 正交"},
                      {"Gaussian at the critical variance", "临界方差的高斯"},
                      {"none of them learns", "都学不会"}},
          .setup = {"Gradients through ten convolutions at pixels that no padding reaches; norms through 30 linear "
                    "ones; then 16 and 64 tanh "
                    "convolutions of 16 channels on clusters of 8 x 8 pixels, the better of the rates 0.01 and 0.1.",
                    "十层卷积的梯度，只看填充影响不到的像素；30 层线性卷积的范数；然后在 8 x 8 像素的聚类数据上训练 16 "
                    "和 64 层、16 个通道的 tanh "
                    "卷积网络，学习率取 0.01 与 0.1 中较好的。"},
          .differs = {"The paper has circular padding, CIFAR-10 and up to 10,000 layers. fanin has zero padding only: "
                      "chi1 is measured where it "
                      "does not reach, and the critical variance for training makes up for what the border loses. The "
                      "data are Gaussian "
                      "clusters, easier than CIFAR-10. --full goes to 256 layers.",
                      "论文用循环填充、CIFAR-10 和多达 10,000 层。fanin 只有零填充：chi1 "
                      "在填充影响不到的地方测量，训练用的临界方差补上边界的损失。"
                      "数据是高斯聚类，比 CIFAR-10 容易。--full 做到 256 层。"},
          .source = "Xiao et al. 2018 (1806.05393), section 2 and figures 1 and 5",
          .minutes = 1.2,
          .run = run};
}

}  // namespace fanin
