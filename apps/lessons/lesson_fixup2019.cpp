// Residual networks without normalization, by scaling alone.
// SPDX-License-Identifier: MIT
#include "apps/lessons/interior.h"
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/rows.h"
#include "apps/lessons/trials.h"

#include "core/train/loss.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

namespace {

struct Method {
  Text name;
  const char *options, *scheme;
};
enum : std::size_t { norm, fixed_up, unit_variance, he, half_he };
constexpr std::array<Method, 5> kMethods = {
    {{{"BatchNorm", "BatchNorm"}, "", "kaiming_normal"},
     {{"Fixup", "Fixup"}, ",norm=none,residual=fixup", "fixup"},
     {{"LSUV", "LSUV"}, ",norm=none", "lsuv"},
     {{"He", "He"}, ",norm=none", "kaiming_normal"},
     {{"He times sqrt(1/2)", "He 乘以 sqrt(1/2)"}, ",norm=none", "variance_scaling:scale=1"}}};

std::string model_of(int depth, const Method& method) {
  return fmt::format("preresnet-{}:block=basic,width=8{}", depth, method.options);
}

struct Step {
  double loss = 0, change = 0;  // before a plain step at rate 0.1; the root mean square change of a logit
};

Step one_step(int depth, const Method& method, const KeptBatch& batch, std::uint64_t seed) {
  const std::unique_ptr<Session> session = session_on(model_of(depth, method), method.scheme, batch, 10);
  session->config.seed = seed;
  session->initialize();
  Network& net = session->model.network;
  const ConstView logits = net.forward(batch.images.view(), Mode::train);
  const std::vector<float> before(logits.data, logits.data + logits.shape.size());
  Tensor gradient(logits.shape);
  Step step;
  step.loss = softmax_cross_entropy(logits, batch.labels, 0.0f, gradient.view()).loss_sum / batch.images.shape().images;
  net.backward(std::as_const(gradient).view());
  for (std::size_t i = 0; i < net.values().size(); ++i) net.values()[i] -= 0.1f * net.gradients()[i];
  const ConstView after = net.forward(batch.images.view(), Mode::train);
  double sum = 0.0;
  for (std::size_t i = 0; i < before.size(); ++i)
    sum += std::pow(static_cast<double>(after.data[i]) - static_cast<double>(before[i]), 2);
  step.change = std::sqrt(sum / static_cast<double>(before.size()));
  return step;
}

void first_step(LessonContext& context, const Dataset& data) {
  const std::vector<int> depths = {20, 32, 56, 110};
  const KeptBatch batch = batch_of(data, 64, context.settings().seed);
  PlotSeries fixup{"Fixup", {}, {}, {}, {}}, plain{context.say(kMethods[he].name), {}, {}, {}, {}};
  double worst = 0.0;
  for (const int depth : depths) {
    const Step f = one_step(depth, kMethods[fixed_up], batch, context.settings().seed),
               h = one_step(depth, kMethods[he], batch, context.settings().seed);
    fixup.x.push_back(depth), fixup.y.push_back(f.change);
    plain.x.push_back(depth), plain.y.push_back(std::isfinite(h.change) ? h.change : INFINITY);
    worst = std::max(worst, std::fabs(f.loss - std::log(10.0)));
    context.advance(1.0, fmt::format("{}", depth));
  }
  context.page.figure(
      Plot{.title = context.say({"Change of the logits in one step at rate 0.1", "学习率 0.1 的一步引起的 logit 变化"}),
           .x_label = context.say({"depth", "深度"}),
           .y_label = context.say({"root mean square", "均方根"}),
           .log_x = true,
           .log_y = true,
           .series = {fixup, plain}});
  const double ratio = fixup.y.back() / fixup.y.front();
  // One rounding of ln K, and as many of its sum.
  context.exact({"Fixup's loss at step 0 is exactly ln K.", "Fixup 第 0 步的损失恰好是 ln K。"},
                worst <= std::log(10.0) * 0x1p-23,
                context.say({"largest difference {:.1e}", "最大相差 {:.1e}"}, worst));
  context.exact(
      {"The change of Fixup's output in a step does not depend on depth: 110 over 20 layers within a factor of 2.",
       "Fixup 的输出在一步中的变化与深度无关：110 层与 20 层之比在 2 倍之内。"},
      ratio > 0.5 && ratio < 2.0,
      context.say({"ratio {:.2f}; changes {}; He's {}", "比值 {:.2f}；变化 {}；He 的 {}"}, ratio, listed(fixup.y),
                  listed(plain.y, "{:.3g}")));
}

void blocks(LessonContext& context) {
  const int seeds = context.pick(24, 100, 400);
  const std::vector<OverSeeds> x =
      interior_squares(ten_blocks(",norm=none", "kaiming_normal", seeds, context.settings().seed));
  const Doubling d = doubling(x);
  context.exact(
      {"Without norm He's rule doubles the variance with each block: log2 slope 1 within 0.05 or four standard errors.",
       "无归一化时，He 规则使方差每过一个块翻一倍：log2 斜率为 1，误差不超过 0.05 或四个标准误。"},
      std::fabs(d.slope - 1.0) <= std::max(0.05, 4.0 * d.error) && d.error < 0.04,
      context.say({"{:.3f} +- {:.3f} over ten blocks, {} networks", "{:.3f} +- {:.3f}，十个块，{} 个网络"}, d.slope,
                  d.error, seeds));
  context.advance(2.0, context.say({"blocks", "块"}));
}

void train(LessonContext& context, const Dataset& data, const std::vector<int>& depths) {
  const int steps = context.pick(8, 400, 780);
  std::vector<Exercise> trials;
  for (auto depth = depths.rbegin(); depth != depths.rend(); ++depth)  // the longest first
    for (const Method& method : kMethods)
      trials.push_back({.model = model_of(*depth, method),
                        .scheme = method.scheme,
                        .rate = 0.03,
                        .momentum = 0.9,
                        .steps = steps,
                        .seed = context.settings().seed,
                        .test = true,
                        .lr_groups = {"scalar=0.1"}});
  for (Exercise& e : trials)
    if (e.scheme != "fixup") e.lr_groups.clear();
  const std::vector<Exercised> runs = run_trials(context, data, trials);
  std::array<std::vector<double>, kMethods.size()> accuracy;
  std::vector<Page::Row> rows;
  for (std::size_t d = 0; d < depths.size(); ++d) {
    Page::Row row = {fmt::format("{}", depths[d])};
    for (std::size_t m = 0; m < kMethods.size(); ++m) {
      const Exercised& run = runs[(depths.size() - 1 - d) * kMethods.size() + m];
      accuracy[m].push_back(100 * run.test_accuracy);
      row.push_back(run.diverged ? context.say({"diverged", "发散"}) : fmt::format("{:.1f} %", accuracy[m].back()));
    }
    rows.push_back(row);
  }
  Plot plot{.title = context.say({"Test accuracy after the first epoch", "第一个周期之后的测试精度"}),
            .x_label = context.say({"depth", "深度"}),
            .y_label = "%",
            .log_x = true,
            .series = {}};
  Page::Row head = {plot.x_label};
  for (std::size_t m = 0; m < kMethods.size(); ++m) {
    head.push_back(context.say(kMethods[m].name));
    plot.series.push_back({head.back(), {depths.begin(), depths.end()}, accuracy[m], {}, {}});
    context.show(head.back(), accuracy[m], listed(accuracy[m], "{:.1f} %"));
  }
  context.page.figure(plot);
  context.page.table(head, rows);
  const auto [least, most] = std::minmax_element(accuracy[fixed_up].begin(), accuracy[fixed_up].end());
  const double spread = *most - *least, b = accuracy[norm].back();
  context.outcome(
      {"Fixup's accuracy after the first epoch spreads by less than 8 points over depths, and is above 20 %.",
       "Fixup 在第一个周期之后的精度，各深度之间相差不到 8 个百分点，且高于 20 %。"},
      spread < 8.0 && *least > 20.0,
      context.say({"{} at depths {}", "{}，深度 {}"}, listed(accuracy[fixed_up], "{:.1f}"),
                  listed({depths.begin(), depths.end()}, "{:.0f}")));
  context.outcome({"He's rule without norm has learned nothing at the largest depth: at most 15 %.",
                   "He 规则无归一化，最深时什么也没学到：不超过 15 %。"},
                  accuracy[he].back() <= 15.0,
                  context.say({"{:.1f} %; diverged counts as 0", "{:.1f} %；发散记为 0"}, accuracy[he].back()));
  context.outcome({"So has it times sqrt(1/2).", "乘以 sqrt(1/2) 也是如此。"}, accuracy[half_he].back() <= 15.0,
                  fmt::format("{:.1f} %", accuracy[half_he].back()));
  context.outcome({"Fixup keeps up with BatchNorm: at most 8 points behind at the largest depth.",
                   "Fixup 跟得上 BatchNorm：最深时落后不超过 8 个百分点。"},
                  b - accuracy[fixed_up].back() <= 8.0,
                  context.say({"BatchNorm {:.1f} %, Fixup {:.1f} %, LSUV {:.1f} %",
                               "BatchNorm {:.1f} %，Fixup {:.1f} %，LSUV {:.1f} %"},
                              b, accuracy[fixed_up].back(), accuracy[unit_variance].back()));
  context.answer(accuracy[fixed_up].back() > 20.0 ? (b - accuracy[fixed_up].back() <= 8.0 ? 0u : 1u) : 2u);
}

void run(LessonContext& context) {
  const std::vector<int> depths =
      context.settings().size == LessonSize::quick ? std::vector<int>{8, 14} : std::vector<int>{20, 32, 56, 110};
  context.plan(4.0 + 2.0 + static_cast<double>(kMethods.size() * depths.size()));
  const Dataset data = small_images(context, context.pick(256, 10000, 50000), context.pick(100, 1000, 5000), 8);
  first_step(context, data);
  blocks(context);
  train(context, data, depths);
}

}  // namespace

Lesson fixup2019_lesson() {
  return {.name = "fixup2019",
          .title = {"A hundred layers without normalization", "没有归一化的一百层"},
          .question = {"Without BatchNorm each residual block doubles the signal. Fixup scales the branches by a power "
                       "of their number, starts their last "
                       "convolution and the classifier at 0, and adds scalars. Does the first epoch then look the same "
                       "at any depth?",
                       "没有 BatchNorm 时，每个残差块使信号翻倍。Fixup "
                       "按分支数的幂缩放分支，让分支最后的卷积和分类层从 0 开始，再加一些标量。这样一来，第一个周期"
                       "在任何深度都一样吗？"},
          .prompt = {"A ResNet of 110 layers without BatchNorm, one epoch. How does Fixup do?",
                     "110 层的 ResNet，无 BatchNorm，一个周期。Fixup 表现如何？"},
          .choices = {{"as BatchNorm, within 8 points", "与 BatchNorm 相差 8 个百分点以内"},
                      {"it learns, but less", "能学，但差一些"},
                      {"it does not learn", "学不会"}},
          .setup = {"Pre-activation ResNets of width 8 with 20 to 110 layers on images made 8 x 8 small, batch 64, "
                    "rate 0.03, momentum 0.9, 400 steps; Fixup's scalars at a "
                    "tenth of the rate. Before that one plain step at rate 0.1, and the variance behind ten blocks.",
                    "宽 8、20 到 110 层的预激活 ResNet，图像缩小为 8 x 8，批大小 64，学习率 0.03，动量 0.9，400 "
                    "步；Fixup 的标量用十分之一的学习率。此前先看一步"
                    "（学习率 0.1）以及十个块之后的方差。"},
          .differs = {"The paper has CIFAR-10 at 32 x 32, width 16, batch 128, rate 0.1 and depths up to 10,000. An "
                      "epoch here is 25,600 images; at rate 0.1 these narrow networks "
                      "on small images do not start well.",
                      "论文用 32 x 32 的 CIFAR-10，宽 16，批大小 128，学习率 0.1，深至 10,000 层。这里一个周期是 "
                      "25,600 幅图像；学习率 0.1 时，这些小图像上的窄网络起步不好。"},
          .source = "Zhang, Dauphin & Ma 2019 (1901.09321), figure 3",
          .minutes = 1.5,
          .run = run};
}

}  // namespace fanin
