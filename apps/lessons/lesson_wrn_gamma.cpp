// Three ways to start BatchNorm's scale in a wide residual network.
// SPDX-License-Identifier: MIT
#include "apps/lessons/interior.h"
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/rows.h"
#include "apps/lessons/trials.h"

#include "apps/study/statistics.h"

#include <array>
#include <cmath>

namespace fanin {

namespace {

struct Start {
  Text name;
  const char* scheme;
  double share;  // of the branch variance with gamma = 1
};
constexpr std::array<Start, 3> kStarts = {
    {{{"gamma = 1", "gamma = 1"}, "gamma-one", 1.0},
     {{"gamma from U(0, 1)", "gamma 取自 U(0, 1)"}, "gamma-uniform", 1.0 / 3.0},
     {{"last convolution 0", "最后一个卷积为 0"}, "gamma-one;*.conv1.weight=zeros", 0.0}}};

// What a branch adds to the shortcut. Gaussian images, and pixels that no padding reaches.
void at_birth(LessonContext& context) {
  InteriorPlan plan{.model = "wrn-16-2", .scheme = "", .nodes = {"group0.block1.conv1"}};
  plan.side = 32, plan.rim = 6, plan.images = 2, plan.seeds = context.pick(20, 40, 200);
  plan.seed = context.settings().seed;
  std::array<OverSeeds, 3> branch;
  std::vector<Page::Row> rows;
  std::vector<double> shares;
  bool held = true;
  std::string numbers;
  for (std::size_t i = 0; i < kStarts.size(); ++i) {
    plan.scheme = std::string(kStarts[i].scheme) + ";group1.*=zeros;group2.*=zeros";  // nobody looks there
    branch[i] = interior_squares(plan)[0];
    const double share = branch[i].mean() / branch[0].mean();
    const double error = std::hypot(branch[i].standard_error(), share * branch[0].standard_error()) / branch[0].mean();
    held = held && std::fabs(share - kStarts[i].share) <= 5.0 * error && error < 0.05;
    numbers += (i == 0 ? "" : "; ") + fmt::format("{} {:.4f} +- {:.4f}", context.say(kStarts[i].name), share, error);
    shares.push_back(share);
    rows.push_back({context.say(kStarts[i].name), fmt::format("{:.4f}", branch[i].mean()),
                    fmt::format("{:.4f} +- {:.4f}", share, error), fmt::format("{:.4f}", kStarts[i].share)});
    context.advance(1.0, context.say(kStarts[i].name));
  }
  context.page.table({context.say({"start", "起点"}), context.say({"mean square of a branch", "分支的均方"}),
                      context.say({"share of gamma = 1", "与 gamma = 1 之比"}), context.say({"theory", "理论"})},
                     rows);
  context.show(context.say({"branch variance", "分支方差"}), shares, numbers);
  context.exact({"At birth a branch has 1, 1/3 and 0 of the variance that it has with gamma = 1.",
                 "出生时，分支的方差分别是 gamma = 1 时的 1、1/3 和 0 倍。"},
                held, numbers + context.say({"; 5 standard errors allowed", "；允许 5 个标准误"}));
  context.answer(shares[1] > 0.42 ? 0u : shares[1] > 0.29 ? 1u : 2u);
}

void train(LessonContext& context, int seeds) {
  const int steps = context.pick(10, 250, 2000), side = context.pick(8, 16, 32);
  const Dataset data = small_images(context, context.pick(256, 4000, 20000), context.pick(100, 1000, 5000), side);
  std::vector<Exercise> trials;
  for (const Start& start : kStarts)
    for (int s = 0; s < seeds; ++s)
      trials.push_back({.model = "wrn-10-1",
                        .scheme = start.scheme,
                        .rate = 0.1,
                        .momentum = 0.9,
                        .weight_decay = 5e-4,
                        .steps = steps,
                        .seed = context.settings().seed + static_cast<std::uint64_t>(s),
                        .test = true});
  const std::vector<Exercised> runs = run_trials(context, data, trials);
  Plot plot{.title = context.say({"Training loss, first seed", "训练损失，第一个种子"}),
            .x_label = context.say({"step", "步"}),
            .y_label = context.say({"mean loss", "平均损失"}),
            .series = {}};
  std::array<std::vector<double>, 3> accuracy;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::size_t start = i / static_cast<std::size_t>(seeds);
    accuracy[start].push_back(100.0 * runs[i].test_accuracy);
    if (i % static_cast<std::size_t>(seeds) == 0)
      plot.series.push_back(smooth_series(context.say(kStarts[start].name), runs[i].loss, std::max(1, steps / 40)));
  }
  context.page.figure(plot);
  const IntervalRow uniform = paired_row(context.say({"U(0, 1) - 1", "U(0, 1) - 1"}), accuracy[1], accuracy[0]),
                    zero = paired_row(context.say({"last 0 - 1", "最后为 0 - 1"}), accuracy[2], accuracy[0]);
  context.page.intervals(context.say({"Test accuracy against gamma = 1", "测试精度，与 gamma = 1 相比"}),
                         context.say({"difference in points, 95 % interval", "差值（百分点），95 % 区间"}),
                         {uniform, zero});
  const std::string mean_text = context.say(
      {"test accuracies {:.1f}, {:.1f}, {:.1f} %, {} seeds", "测试精度 {:.1f}、{:.1f}、{:.1f} %，{} 个种子"},
      mean(accuracy[0]), mean(accuracy[1]), mean(accuracy[2]), seeds);
  context.outcome({"gamma from U(0, 1) ends at another accuracy than gamma = 1.",
                   "gamma 取自 U(0, 1) 与 gamma = 1 最后的精度不同。"},
                  differs(uniform), paired_text(context, uniform) + "; " + mean_text);
  context.outcome({"A last convolution of 0 ends at another accuracy than gamma = 1.",
                   "最后一个卷积为 0 与 gamma = 1 最后的精度不同。"},
                  differs(zero), paired_text(context, zero));
}

void run(LessonContext& context) {
  const int seeds = context.pick(2, 5, 10);
  context.plan(3.0 + 3.0 * seeds);
  at_birth(context);
  train(context, seeds);
}

}  // namespace

Lesson wrn_gamma_lesson() {
  return {
      .name = "wrn-gamma",
      .title = {"The scale that nobody set", "没有人设置过的缩放"},
      .question =
          {"The wide residual networks' code never sets BatchNorm's scale, so that Torch7's default stays: gamma from "
           "U(0, 1). Others start at 1, or make every branch 0. What does that change at birth, and in the end?",
           "宽残差网络的代码从不设置 BatchNorm 的缩放，于是保留了 Torch7 的默认值：gamma 取自 U(0, 1)。别人从 1 "
           "开始，或者让"
           "每个分支为 0。这在出生时改变了什么，最后又改变了什么？"},
      .prompt = {"gamma comes from U(0, 1) instead of being 1. What is left of a branch's variance?",
                 "gamma 取自 U(0, 1) 而不是 1。分支的方差还剩多少？"},
      .choices = {{"1/2, the mean of gamma", "1/2，即 gamma 的均值"},
                  {"1/3, the mean of gamma squared", "1/3，即 gamma 平方的均值"},
                  {"1/4, the square of the mean", "1/4，即均值的平方"}},
      .setup = {"wrn-16-2 at birth on Gaussian images, at pixels that no padding reaches; then wrn-10-1 on images made "
                "16 x 16 "
                "pixels small, five seeds of each start, the same data order for all.",
                "wrn-16-2 出生时的信号：高斯图像，只看填充影响不到的像素；然后用缩小为 16 x 16 像素的图像训练 "
                "wrn-10-1，每种起点五个"
                "种子，数据顺序相同。"},
      .differs =
          {"The authors never compared. A narrower and shallower network, some hundred steps instead of 200 epochs, "
           "five "
           "seeds: a small difference may hide in the interval.",
           "作者没有作过比较。这里的网络更窄更浅，只训练几百步而不是 200 个周期，五个种子：小的差别可能藏在区间里。"},
      .source = "Zagoruyko & Komodakis 2016; szagoruyko/wide-residual-networks",
      .minutes = 0.5,
      .run = run};
}

}  // namespace fanin
