// Why BatchNorm helps deep residual networks, and one number a branch that does the same.
// SPDX-License-Identifier: MIT
#include "apps/lessons/interior.h"
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/rows.h"
#include "apps/lessons/trials.h"

#include "apps/study/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

namespace {

constexpr int kBlocks = 10;

// Means over seeds of x_l / x_0, l = 0 ... 10.
std::vector<double> relative(const std::vector<OverSeeds>& squares) {
  std::vector<double> means;
  for (const OverSeeds& s : squares) {
    double sum = 0.0;
    for (std::size_t i = 0; i < s.values.size(); ++i) sum += s.values[i] / squares.front().values[i];
    means.push_back(sum / static_cast<double>(s.values.size()));
  }
  return means;
}

// The squared correlation coefficient of y with 0, 1, 2, ...
double linearity(const std::vector<double>& y) {
  const std::vector<double> x = count_from(0, y.size());
  const double slope = slope_of(x, y), back = slope_of(y, x);
  return slope * back;
}

void at_birth(LessonContext& context) {
  const int seeds = context.pick(24, 100, 400);
  const auto measure = [&](const std::string& name, const std::string& options, const std::string& scheme) {
    std::vector<OverSeeds> found = interior_squares(ten_blocks(options, scheme, seeds, context.settings().seed));
    context.advance(2.0, name);
    return found;
  };
  const std::string he = context.say({"He, no norm", "He，无归一化"}), skip = "alpha = 1/sqrt(10)";
  const std::vector<OverSeeds> plain = measure(he, ",norm=none", "kaiming_normal"),
                               norm = measure("BatchNorm", "", "kaiming_normal"),
                               scaled = measure(skip, ",norm=none,residual=skipinit",
                                                fmt::format("kaiming_normal;scalar_multiplier=constant:value={}",
                                                            1.0 / std::sqrt(kBlocks)));
  Plot plot{.title = context.say({"Second moment of x behind each block", "每个块之后 x 的二阶矩"}),
            .x_label = context.say({"block", "块"}),
            .y_label = context.say({"relative to the stem", "相对于第一层"}),
            .log_y = true,
            .series = {}};
  const auto draw = [&](const std::string& name, const std::vector<double>& y) {
    plot.series.push_back({name, count_from(0, y.size()), y, {}, {}});
    context.show(name, y, fmt::format("{:.2f} -> {:.4g}", y.front(), y.back()));
  };
  const std::vector<double> skip_course = relative(scaled);
  std::vector<double> linear;
  for (const OverSeeds& s : norm) linear.push_back(s.mean());
  draw(he, relative(plain)), draw("BatchNorm", relative(norm)), draw(skip, skip_course);
  PlotSeries twofold{"2^l", count_from(0, kBlocks + 1), {}, {}, {}},
      bounded{"(1 + 1/10)^l", count_from(0, kBlocks + 1), {}, {}, {}};
  for (int l = 0; l <= kBlocks; ++l) twofold.y.push_back(std::exp2(l)), bounded.y.push_back(std::pow(1.1, l));
  twofold.reference = bounded.reference = true;
  plot.series.push_back(twofold), plot.series.push_back(bounded);
  context.page.figure(plot);

  const Doubling slope = doubling(plain);
  context.exact({"Without norm He's rule doubles the second moment with each block: log2 slope 1 within 0.05 or four "
                 "standard errors.",
                 "无归一化时，He 规则使二阶矩每过一个块翻一倍：log2 斜率为 1，误差不超过 0.05 或四个标准误。"},
                std::fabs(slope.slope - 1.0) <= std::max(0.05, 4.0 * slope.error) && slope.error < 0.04,
                context.say({"{:.3f} +- {:.3f} over {} networks", "{:.3f} +- {:.3f}，{} 个网络"}, slope.slope,
                            slope.error, seeds));
  context.exact({"With BatchNorm it grows linearly: R^2 above 0.98.", "有 BatchNorm 时线性增长：R^2 高于 0.98。"},
                linearity(linear) > 0.98,
                context.say({"R^2 = {:.4f}, slope {:.3f} a block", "R^2 = {:.4f}，每块斜率 {:.3f}"}, linearity(linear),
                            slope_of(count_from(0, linear.size()), linear)));
  const double ratio = skip_course.back();
  context.exact({"Branches times 1/sqrt(d), d = 10, give (1 + 1/d)^d = 2.59, near e: between 2.5 and 2.9.",
                 "分支乘以 1/sqrt(d)，d = 10，得到 (1 + 1/d)^d = 2.59，接近 e：在 2.5 与 2.9 之间。"},
                ratio > 2.5 && ratio < 2.9, fmt::format("{:.3f}", ratio));
  const double last = relative(plain).back();
  context.answer(last < 30 ? 0u : last < 300 ? 1u : 2u);
}

struct Method {
  Text name;
  const char *options, *scheme;
};
constexpr std::array<Method, 3> kMethods = {
    {{{"BatchNorm", "BatchNorm"}, "", "kaiming_normal"},
     {{"SkipInit, no norm", "SkipInit，无归一化"}, ":norm=none,residual=skipinit", "skipinit"},
     {{"He, no norm", "He，无归一化"}, ":norm=none,residual=skipinit", "kaiming_normal"}}};

constexpr std::array<double, 2> kRates = {0.01, 0.03};

void by_depth(LessonContext& context, const Dataset& data, const std::vector<int>& depths) {
  const int steps = context.pick(10, 300, 2000);
  std::vector<Exercise> trials;
  for (auto depth = depths.rbegin(); depth != depths.rend(); ++depth)  // the longest first
    for (const Method& m : kMethods)
      for (const double rate : kRates)
        trials.push_back({.model = fmt::format("wrn-{}-1{}", *depth, m.options),
                          .scheme = m.scheme,
                          .rate = rate,
                          .momentum = 0.9,
                          .steps = steps,
                          .seed = context.settings().seed,
                          .test = true});
  std::vector<Exercised> all = run_trials(context, data, trials), runs;
  for (std::size_t i = 0; i < all.size(); i += 2)  // the better rate
    runs.push_back(all[i].last_loss() <= all[i + 1].last_loss() ? all[i] : all[i + 1]);
  Plot plot{.title = context.say({"Training loss", "训练损失"}),
            .x_label = context.say({"step", "步"}),
            .y_label = context.say({"mean loss", "平均损失"}),
            .series = {}};
  std::vector<Page::Row> rows;
  const auto loss = [&](std::size_t depth, std::size_t method) {
    return runs[(depths.size() - 1 - depth) * kMethods.size() + method].last_loss();
  };
  for (std::size_t d = 0; d < depths.size(); ++d)
    for (std::size_t m = 0; m < kMethods.size(); ++m) {
      const Exercised& run = runs[(depths.size() - 1 - d) * kMethods.size() + m];
      const std::string name = fmt::format("wrn-{}-1, {}", depths[d], context.say(kMethods[m].name));
      plot.series.push_back(smooth_series(name, run.loss, std::max(1, steps / 30)));
      rows.push_back({name, run.diverged ? context.say({"diverged", "发散"}) : fmt::format("{:.3f}", run.last_loss()),
                      fmt::format("{:.1f} %", 100 * run.test_accuracy)});
    }
  context.page.figure(plot);
  context.page.table({context.say({"network", "网络"}), context.say({"last loss", "最后损失"}),
                      context.say({"test accuracy", "测试精度"})},
                     rows);
  const double bound = std::log(10.0) - 0.5;
  const std::size_t deep = depths.size() - 1;
  context.outcome({"SkipInit trains without norm at every depth: loss below ln 10 - 0.5.",
                   "SkipInit 在无归一化时各种深度都能训练：损失低于 ln 10 - 0.5。"},
                  std::max(loss(0, 1), loss(deep, 1)) < bound,
                  context.say({"{:.3f} at depth {}, {:.3f} at depth {}; BatchNorm {:.3f} and {:.3f}",
                               "深度 {1} 时 {0:.3f}，深度 {3} 时 {2:.3f}；BatchNorm 为 {4:.3f} 与 {5:.3f}"},
                              loss(0, 1), depths[0], loss(deep, 1), depths[deep], loss(0, 0), loss(deep, 0)));
  context.outcome({"He's rule without norm fails at the larger depth: loss above ln 10 - 0.5 or diverged.",
                   "He 规则在无归一化且更深时失败：损失高于 ln 10 - 0.5 或发散。"},
                  !(loss(deep, 2) < bound),
                  context.say({"{:.3f} at depth {}", "{:.3f}，深度 {}"}, loss(deep, 2), depths[deep]));
}

void rezero(LessonContext& context, const Dataset& data, int seeds) {
  const int most = context.pick(10, 300, 2000);
  const double target = 1.0;
  std::vector<Exercise> trials;
  for (const bool with : {false, true})
    for (int s = 0; s < seeds; ++s)
      trials.push_back({.model = with ? "resnet-56:width=8,residual=rezero" : "resnet-56:width=8",
                        .scheme = with ? "rezero:base=kaiming_normal" : "kaiming_normal",
                        .rate = 0.05,
                        .momentum = 0.9,
                        .steps = most,
                        .seed = context.settings().seed + static_cast<std::uint64_t>(s),
                        .stop_below = target});
  const std::vector<Exercised> runs = run_trials(context, data, trials);
  std::array<std::vector<double>, 2> steps;
  for (std::size_t i = 0; i < runs.size(); ++i)
    steps[i / static_cast<std::size_t>(seeds)].push_back(runs[i].steps_to(target).value_or(most));
  const double ratio = mean(steps[1]) / mean(steps[0]);
  context.outcome({"ReZero in front of BatchNorm's sum shortens the way to a training loss of 1 by at least 15 %.",
                   "在有 BatchNorm 的网络中加 ReZero，到达训练损失 1 的步数至少减少 15 %。"},
                  ratio < 0.85,
                  context.say({"steps {} without and {} with, ratio {:.2f} ({} counts as the end)",
                               "无：{} 步，有：{} 步，比值 {:.2f}（{} 表示到了终点）"},
                              listed(steps[0], "{:.0f}"), listed(steps[1], "{:.0f}"), ratio, most));
}

void run(LessonContext& context) {
  const std::vector<int> depths =
      context.settings().size == LessonSize::quick ? std::vector<int>{10, 16} : std::vector<int>{16, 100};
  const int seeds = context.pick(1, 3, 5);
  context.plan(6.0 + 6.0 * static_cast<double>(depths.size()) + 2.0 * seeds);
  const Dataset data = small_images(context, context.pick(256, 4000, 20000), context.pick(100, 1000, 5000), 8);
  at_birth(context);
  by_depth(context, data, depths);
  rezero(context, data, seeds);
}

}  // namespace

Lesson skipinit_lesson() {
  return {
      .name = "skipinit",
      .title = {"What BatchNorm does for a shortcut", "BatchNorm 为捷径做了什么"},
      .question =
          {"Without norm a residual block adds a branch as large as its input; with BatchNorm the branch is reset to "
           "size 1. How fast does the signal grow with depth, and does one scalar a branch, started at 0, replace it?",
           "没有归一化时，残差块加上一个与输入同样大的分支；有 BatchNorm 时，分支被重设为大小 "
           "1。信号随深度增长多快？每个分支一个"
           "从 0 开始的标量能代替它吗？"},
      .prompt = {"Ten residual blocks by He's rule without norm. By what factor does the mean square of x grow?",
                 "十个残差块，按 He 规则，无归一化。x 的均方增长多少倍？"},
      .choices = {{"10: each adds one", "10：每块加一份"},
                  {"100", "100"},
                  {"1000: it doubles ten times", "1000：翻倍十次"}},
      .setup = {"The first stage of a pre-activation ResNet with ten blocks, Gaussian images of 44 x 44, at pixels "
                "that no padding "
                "reaches. Then wrn-16-1 and wrn-100-1, three ways, at the better of the rates 0.01 and 0.03, and "
                "ResNet-56 of width 8 with and without ReZero, "
                "on images made "
                "8 x 8 small.",
                "每段十个块的预激活 ResNet 的第一段，44 x 44 的高斯图像，只看填充影响不到的像素。然后用缩小为 8 x 8 "
                "的图像，以三种方式（学习率取 0.01 与 0.03 中较好的）训练"
                "wrn-16-1 和 wrn-100-1，并训练宽 8 的 ResNet-56，有、无 ReZero。"},
      .differs = {"De & Smith go to depth 1000 and train to the end; Bachlechner et al. count epochs to 85 % accuracy "
                  "on CIFAR-10. "
                  "Here it is some hundred steps on small images, and a training loss of 1.",
                  "De 和 Smith 做到 1000 层并训练到底；Bachlechner 等人统计 CIFAR-10 上到 85 % "
                  "精度的周期数。这里是小图像上的几百步，"
                  "目标是训练损失 1。"},
      .source = "De & Smith 2020 (2002.10444), figures 1 and 2; Bachlechner et al. 2020 (2003.04887)",
      .minutes = 1.2,
      .run = run};
}

}  // namespace fanin
