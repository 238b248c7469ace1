// What happens to a grouped convolution when its fan does not know about groups.
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

constexpr std::array<int, 5> kCardinalities = {1, 2, 4, 8, 32};
constexpr const char* kIgnoring = "conv=kaiming_normal:mode=fan_out,groups=torch;linear=torch_default";
constexpr const char* kCounting = "conv=kaiming_normal:mode=fan_out;linear=torch_default";

// 64 channels in the first grouped convolution, whatever the cardinality.
std::string model_of(int cardinality) {
  return fmt::format("resnext-11-{}x{}d:widen=1,norm=none", cardinality, 64 / cardinality);
}

// Mean square of the first grouped convolution's output over that of its input, over seeds.
OverSeeds gain(const LessonContext& context, int cardinality, const char* scheme, int seeds) {
  const std::string block = "stage_1.stage_1_bottleneck_0.";
  InteriorPlan plan{.model = model_of(cardinality),
                    .scheme = std::string(scheme) + ";stage_2.*=zeros;stage_3.*=zeros",  // nobody looks there
                    .nodes = {block + "act_reduce", block + "conv_conv"}};
  plan.side = 8, plan.rim = 0, plan.images = 8, plan.seeds = seeds;
  plan.seed = context.settings().seed;
  const std::vector<OverSeeds> square = interior_squares(plan);
  OverSeeds ratio;
  for (std::size_t i = 0; i < square[0].values.size(); ++i)
    ratio.values.push_back(square[1].values[i] / square[0].values[i]);
  return ratio;
}

void at_birth(LessonContext& context) {
  const int seeds = context.pick(10, 20, 100);
  const OverSeeds whole = gain(context, 1, kIgnoring, seeds);
  PlotSeries measured{context.say({"groups ignored", "忽略分组"}), {}, {}, {}, {}},
      counted{context.say({"groups counted", "计入分组"}), {}, {}, {}, {}}, theory{"1/g", {}, {}, {}, {}};
  theory.reference = true;
  double worst = 0.0, loosest = 0.0;
  std::vector<Page::Row> rows;
  for (const int g : kCardinalities) {
    const OverSeeds ignoring = gain(context, g, kIgnoring, seeds), counting = gain(context, g, kCounting, seeds);
    const double ratio = ignoring.mean() / whole.mean();
    const double error =
        ratio * std::hypot(ignoring.standard_error() / ignoring.mean(), whole.standard_error() / whole.mean());
    if (g > 1) {
      worst = std::max(worst, std::fabs(ratio - 1.0 / g) / error);
      loosest = std::max(loosest, error / ratio);
    }
    measured.x.push_back(g), measured.y.push_back(ratio);
    counted.x.push_back(g), counted.y.push_back(counting.mean() / whole.mean());
    theory.x.push_back(g), theory.y.push_back(1.0 / g);
    rows.push_back({fmt::format("{}x{}d", g, 64 / g), fmt::format("{:.4f} +- {:.4f}", ratio, error),
                    fmt::format("{:.4f}", 1.0 / g), fmt::format("{:.4f}", counted.y.back())});
    context.advance(1.0, rows.back()[0]);
  }
  context.page.figure(
      Plot{.title = context.say({"Variance behind the grouped 3x3 convolution", "分组 3x3 卷积之后的方差"}),
           .x_label = context.say({"groups g", "组数 g"}),
           .y_label = context.say({"relative to one group", "相对于不分组"}),
           .log_x = true,
           .log_y = true,
           .series = {measured, counted, theory}});
  context.page.table({context.say({"block", "块"}), context.say({"groups ignored", "忽略分组"}), "1/g",
                      context.say({"groups counted", "计入分组"})},
                     rows);
  context.show(context.say({"variance, g = 1 to 32", "方差，g = 1 到 32"}), measured.y, listed(measured.y, "{:.3f}"));
  context.exact(
      {"Under 2 / (k k out) without regard to groups, the variance behind the grouped convolution is 1/g of that "
       "without groups.",
       "按不考虑分组的 2 / (k k out)，分组卷积之后的方差是不分组时的 1/g。"},
      worst <= 5.0 && loosest < 0.15,
      context.say({"ratios {}; largest distance {:.1f} standard errors, at most 5 allowed; errors below {:.0f} %",
                   "比值 {}；最大偏离 {:.1f} 个标准误，允许 5 个；标准误不超过 {:.0f} %"},
                  listed(measured.y, "{:.4f}"), worst, 100 * loosest));
  context.answer(measured.y[3] < 0.2 ? 2u : measured.y[3] < 0.7 ? 1u : 0u);
}

void train(LessonContext& context, const Dataset& data, int seeds) {
  const int steps = context.pick(8, 80, 600);
  std::vector<Exercise> trials;
  for (const int g : kCardinalities)
    for (const char* scheme : {kIgnoring, kCounting})
      for (int s = 0; s < seeds; ++s)
        trials.push_back({.model = model_of(g),
                          .scheme = scheme,
                          .rate = 0.01,
                          .momentum = 0.9,
                          .steps = steps,
                          .seed = context.settings().seed + static_cast<std::uint64_t>(s)});
  const std::vector<Exercised> runs = run_trials(context, data, trials);
  const auto losses = [&](std::size_t cell) {
    std::vector<double> means;
    for (std::size_t s = 0; s < static_cast<std::size_t>(seeds); ++s)
      means.push_back(mean(runs[cell * static_cast<std::size_t>(seeds) + s].loss));
    return means;
  };
  std::vector<IntervalRow> rows;
  PlotSeries ignoring{context.say({"groups ignored", "忽略分组"}), {}, {}, {}, {}},
      counting{context.say({"groups counted", "计入分组"}), {}, {}, {}, {}};
  for (std::size_t i = 0; i < kCardinalities.size(); ++i) {
    const std::vector<double> a = losses(2 * i), b = losses(2 * i + 1);
    ignoring.x.push_back(kCardinalities[i]), ignoring.y.push_back(mean(a));
    counting.x.push_back(kCardinalities[i]), counting.y.push_back(mean(b));
    if (kCardinalities[i] > 1) rows.push_back(paired_row(fmt::format("g = {}", kCardinalities[i]), a, b));
  }
  context.page.figure(
      Plot{.title = context.say(
               {"Mean loss of the first {} steps, without BatchNorm", "最初 {} 步的平均损失，无 BatchNorm"}, steps),
           .x_label = context.say({"groups g", "组数 g"}),
           .y_label = context.say({"mean loss", "平均损失"}),
           .log_x = true,
           .series = {ignoring, counting}});
  context.page.intervals(context.say({"Ignored - counted, paired by seed", "忽略 - 计入，按种子配对"}),
                         context.say({"difference of the mean loss, 95 % interval", "平均损失之差，95 % 区间"}), rows);
  context.outcome(
      {"Without BatchNorm, ignoring 32 groups makes the beginning slower: a higher mean loss of the first steps.",
       "没有 BatchNorm 时，忽略 32 个组使开头更慢：最初若干步的平均损失更高。"},
      rows.back().has_interval && rows.back().low > 0.0, paired_text(context, rows.back()));
  context.outcome({"The same with 8 groups.", "8 个组时也是如此。"}, rows[2].has_interval && rows[2].low > 0.0,
                  paired_text(context, rows[2]));
}

void run(LessonContext& context) {
  const int seeds = context.pick(2, 4, 10);
  context.plan(static_cast<double>(kCardinalities.size()) * (1.0 + 2.0 * seeds));
  const Dataset data = small_images(context, context.pick(256, 2000, 10000), 10, 8);
  at_birth(context);
  train(context, data, seeds);
}

}  // namespace

Lesson groups_and_fans_lesson() {
  return {
      .name = "groups-and-fans",
      .title = {"A fan that does not know about groups", "不知道分组的扇出"},
      .question =
          {"ResNeXt codes fill a grouped 3x3 convolution by variance 2 / (k k out), with out all output channels of "
           "all groups. An input feeds only one group. What does that do to the signal, and is it felt in training?",
           "ResNeXt 的代码用方差 2 / (k k out) 填充分组 3x3 卷积，其中 out "
           "是所有组的输出通道总数，而每个输入只通向一个组。"
           "这对信号有什么影响？训练时感觉得到吗？"},
      .prompt = {"8 groups. How large is the variance behind the grouped convolution, compared with the same number of "
                 "channels in one group?",
                 "8 个组。与通道数相同但不分组的卷积相比，分组卷积之后的方差有多大？"},
      .choices = {{"the same", "一样"}, {"about 1 / sqrt(8) = 0.35", "约 1 / sqrt(8) = 0.35"}, {"1 / 8", "1 / 8"}},
      .setup =
          {"resnext-11 with 64 channels in the first grouped convolution and 1, 2, 4, 8 or 32 groups, no BatchNorm, on "
           "images made 8 x 8 pixels small. The variance at birth on Gaussian images, over seeds; then short trainings "
           "with the fan that "
           "ignores groups and the one that counts them, paired by seed.",
           "resnext-11，第一个分组卷积有 64 个通道，分成 1、2、4、8 或 32 组，无 BatchNorm，图像缩小为 8 x 8 "
           "像素。先对种子测量"
           "出生时的方差，再分别用忽略分组和计入分组的扇出作短训练，按种子配对。"},
      .differs =
          {"The published codes have BatchNorm, which hides the factor in the forward pass; nobody has published the "
           "comparison. Networks, images and trainings are ours and small.",
           "公开的代码都有 "
           "BatchNorm，它在前向传播中掩盖了这个系数；没有人发表过这个比较。网络、图像和训练是我们选的，而且很小。"},
      .source = "Xie et al. 2017; facebookresearch/ResNeXt; PyTorch issue 23854",
      .minutes = 0.7,
      .run = run};
}

}  // namespace fanin
