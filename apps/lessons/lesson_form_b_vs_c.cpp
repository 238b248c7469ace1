// Two ways to write a ResNeXt block are one function and two initializations.
// SPDX-License-Identifier: MIT
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

constexpr std::array<int, 3> kCardinalities = {2, 4, 8};
constexpr const char* kRule = "kaiming_normal:mode=fan_out";
const std::string kBlock = "stage_1.stage_1_bottleneck_0.";

// 32 channels in the first stage's grouped convolution, whatever the cardinality.
std::string model_of(int cardinality, const char* form, const char* norm) {
  return fmt::format("resnext-11-{}x{}d:widen=1,form={},norm={}", cardinality, 32 / cardinality, form, norm);
}

std::unique_ptr<Session> filled(const std::string& model, const std::string& scheme, const KeptBatch& batch) {
  std::unique_ptr<Session> session = session_on(model, scheme, batch, 10);
  session->initialize();
  return session;
}

// The largest difference of a logit over the largest logit, form B with form C's weights against form C.
double function_gap(int cardinality, const KeptBatch& batch) {
  const std::unique_ptr<Session> b = filled(model_of(cardinality, "B", "bn"), "as_grouped", batch),
                                 c = filled(model_of(cardinality, "C", "bn"), kRule, batch);
  const ConstView from_b = b->model.network.forward(batch.images.view(), Mode::train),
                  from_c = c->model.network.forward(batch.images.view(), Mode::train);
  double gap = 0.0, size = 0.0;
  for (std::size_t i = 0; i < from_c.shape.size(); ++i) {
    gap = std::max(gap, std::fabs(static_cast<double>(from_b.data[i]) - static_cast<double>(from_c.data[i])));
    size = std::max(size, std::fabs(static_cast<double>(from_c.data[i])));
  }
  return gap / size;
}

double std_of(const Network& net, const std::string& parameter) {
  const std::span<const float> w = net.find_parameter(parameter)->value;
  double sum = 0.0;
  for (const float v : w) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum / static_cast<double>(w.size()));
}

// Standard deviation of the 3x3 weights, all branches of form B over the one convolution of form C: sqrt(C) is promised.
double std_ratio(int cardinality, const KeptBatch& batch) {
  const std::unique_ptr<Session> b = filled(model_of(cardinality, "B", "bn"), kRule, batch),
                                 c = filled(model_of(cardinality, "C", "bn"), std::string(kRule) + ",groups=torch",
                                            batch);
  double square = 0.0;
  for (int i = 0; i < cardinality; ++i)
    square += std::pow(std_of(b->model.network, fmt::format("{}branch_{}.conv_conv.weight", kBlock, i)), 2);
  return std::sqrt(square / cardinality) / std_of(c->model.network, kBlock + "conv_conv.weight");
}

void at_birth(LessonContext& context, const Dataset& data) {
  const KeptBatch batch = batch_of(data, 16, context.settings().seed);
  double gap = 0.0, off = 0.0;
  std::vector<Page::Row> rows;
  std::vector<double> ratios;
  PlotSeries measured{context.say({"measured", "测量值"}), {}, {}, {}, {}}, theory{"sqrt(C)", {}, {}, {}, {}};
  theory.reference = true;
  for (const int c : kCardinalities) {
    const double g = function_gap(c, batch), ratio = std_ratio(c, batch), root = std::sqrt(c);
    rows.push_back({fmt::format("{}x{}d", c, 32 / c), fmt::format("{:.1e}", g), fmt::format("{:.4f}", ratio),
                    fmt::format("{:.4f}", root)});
    ratios.push_back(ratio);
    measured.x.push_back(c), measured.y.push_back(ratio);
    theory.x.push_back(c), theory.y.push_back(root);
    gap = std::max(gap, g);
    off = std::max(off, std::fabs(ratio / root - 1.0));
    context.advance(1.0, rows.back()[0]);
  }
  context.page.table(
      {context.say({"block", "块"}), context.say({"difference of the logits, same weights", "权重相同时 logit 的差别"}),
       context.say({"std B / std C, own weights", "各自初始化时的标准差之比 B / C"}), "sqrt(C)"},
      rows);
  context.page.figure(
      Plot{.title = context.say({"3x3 weights at birth, form B over form C", "出生时的 3x3 权重，B 型比 C 型"}),
           .x_label = context.say({"cardinality C", "基数 C"}),
           .y_label = context.say({"ratio of standard deviations", "标准差之比"}),
           .series = {measured, theory}});
  context.show("std B / std C", ratios, listed(ratios));
  // 12 layers of at most 600 products and sums in float, in another order.
  const double rounding = 12 * 600 * 0x1p-24;
  context.exact(
      {"Form B with form C's weights is the same function: logits agree up to rounding.",
       "B 型网络用 C 型的权重就是同一个函数：logit 在舍入误差内相同。"},
      gap <= rounding,
      context.say({"largest relative difference {:.1e}, rounding allows {:.1e}", "最大相对差 {:.1e}，舍入允许 {:.1e}"},
                  gap, rounding));
  // n = 1152 draws and more: a standard deviation is known to 1 / sqrt(2 n), the ratio to sqrt(2) times that: 2.9 %.
  context.exact({"Each with its own initialization, weights of form B are sqrt(C) times as large.",
                 "各自初始化时，B 型的权重是 C 型的 sqrt(C) 倍。"},
                off <= 5 * std::sqrt(2.0) / std::sqrt(2.0 * 9 * 32 * 4),
                context.say({"ratios {} for C = 2, 4, 8; furthest from sqrt(C) by {:.1f} %",
                             "C = 2、4、8 时的比值为 {}；与 sqrt(C) 最多相差 {:.1f} %"},
                            listed(ratios), 100 * off));
  context.answer(off < 0.2 ? 1u : 0u);
}

struct Start {
  Text name;
  const char *form, *scheme;
};
constexpr std::array<Start, 3> kStarts = {
    {{{"C, its own", "C 型，自己的"}, "C", "kaiming_normal:mode=fan_out,groups=torch;linear=torch_default"},
     {{"B, its own", "B 型，自己的"}, "B", "kaiming_normal:mode=fan_out;linear=torch_default"},
     {{"B, as C", "B 型，用 C 型的"},
      "B",
      "as_grouped;conv=kaiming_normal:mode=fan_out,groups=torch;linear=torch_default"}}};

// Mean loss of all steps: how fast the beginning is.
std::vector<double> early_losses(LessonContext& context, const Dataset& data, const char* norm, int seeds, Plot& plot) {
  const int steps = context.pick(10, 150, 600);
  std::vector<Exercise> trials;
  for (const Start& start : kStarts)
    for (int s = 0; s < seeds; ++s)
      trials.push_back({.model = model_of(4, start.form, norm),
                        .scheme = start.scheme,
                        .rate = 0.02,
                        .momentum = 0.9,
                        .steps = steps,
                        .seed = context.settings().seed + static_cast<std::uint64_t>(s)});
  const std::vector<Exercised> runs = run_trials(context, data, trials);
  std::vector<double> means;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    means.push_back(runs[i].diverged ? 10.0 : mean(runs[i].loss));
    if (i % static_cast<std::size_t>(seeds) == 0)
      plot.series.push_back(smooth_series(
          fmt::format("{}, norm={}", context.say(kStarts[i / static_cast<std::size_t>(seeds)].name), norm),
          runs[i].loss, std::max(1, steps / 30)));
  }
  return means;
}

void run(LessonContext& context) {
  const int seeds = context.pick(2, 5, 10);
  context.plan(static_cast<double>(kCardinalities.size()) + 2.0 * seeds * static_cast<double>(kStarts.size()));
  const Dataset data = small_images(context, context.pick(256, 2000, 10000), 10, 8);
  at_birth(context, data);
  Plot plot{.title = context.say({"The first steps, C = 4", "最初若干步，C = 4"}),
            .x_label = context.say({"step", "步"}),
            .y_label = context.say({"mean loss", "平均损失"}),
            .series = {}};
  std::vector<IntervalRow> rows;
  for (const char* norm : {"bn", "none"}) {
    const std::vector<double> loss = early_losses(context, data, norm, seeds, plot);
    const auto of = [&](std::ptrdiff_t i) {
      return std::vector<double>(loss.begin() + i * seeds, loss.begin() + (i + 1) * seeds);
    };
    rows.push_back(paired_row(
        fmt::format("norm={}: {}", norm, context.say({"B - C, own weights", "B - C，各自的权重"})), of(1), of(0)));
    rows.push_back(paired_row(fmt::format("norm={}: {}", norm, context.say({"B - C, same weights", "B - C，权重相同"})),
                              of(2), of(0)));
  }
  context.page.figure(plot);
  context.page.intervals(context.say({"Mean loss of the first steps", "最初若干步的平均损失"}),
                         context.say({"difference, 95 % interval", "差值，95 % 区间"}), rows);
  context.outcome({"With BatchNorm the forms' own starts are told apart by the mean loss of the first steps.",
                   "有 BatchNorm 时，由最初若干步的平均损失可以区分两种形式各自的起点。"},
                  differs(rows[0]), paired_text(context, rows[0]));
  context.outcome({"Without BatchNorm they are, too.", "没有 BatchNorm 时也可以区分。"}, differs(rows[2]),
                  paired_text(context, rows[2]));
  const double same = std::max(std::fabs(rows[1].centre), std::fabs(rows[3].centre));
  context.outcome({"With the same weights the forms stay together in training: mean losses differ by less than 0.05.",
                   "权重相同时，两种形式在训练中保持一致：平均损失之差小于 0.05。"},
                  same < 0.05,
                  context.say({"with and without norm {:.4f} and {:.4f}", "有、无归一化时分别为 {:.4f} 与 {:.4f}"},
                              rows[1].centre, rows[3].centre));
}

}  // namespace

Lesson form_b_vs_c_lesson() {
  return {
      .name = "form-b-vs-c",
      .title = {"One function, two initializations", "同一个函数，两种初始化"},
      .question =
          {"A ResNeXt block can be written as C separate branches (form B) or as one grouped convolution (form C). "
           "They compute the same. Do they also start the same, if both follow the published rule, variance "
           "2 / (k k out)?",
           "ResNeXt 的一个块可以写成 C 条独立的分支（B 型），也可以写成一个分组卷积（C "
           "型），二者计算同样的东西。如果都按"
           "公开的规则取方差 2 / (k k out)，它们的起点也一样吗？"},
      .prompt = {"Cardinality 4. How large are the 3x3 weights of form B, compared with those of form C?",
                 "基数为 4。与 C 型相比，B 型的 3x3 权重有多大？"},
      .choices = {{"the same", "一样大"}, {"twice as large: sqrt(4)", "两倍：sqrt(4)"}, {"half as large", "一半"}},
      .setup =
          {"resnext-11 with 32 channels in the first grouped convolution, as 2, 4 and 8 branches, on images made 8 x 8 "
           "pixels small. First the same weights in both forms, then each with its own; then short trainings with and "
           "without BatchNorm, paired by seed.",
           "resnext-11，第一个分组卷积共 32 个通道，分成 2、4、8 条分支，图像缩小为 8 x 8 "
           "像素。先让两种形式用同样的权重，"
           "再各自初始化；然后在有、无 BatchNorm 两种情况下作短训练，按种子配对。"},
      .differs = {"Xie et al. say that the forms are equivalent and do not compare their starts. Networks, images and "
                  "trainings are ours and much smaller.",
                  "Xie 等人指出两种形式等价，但没有比较它们的起点。网络、图像和训练是我们选的，而且小得多。"},
      .source = "Xie et al. 2017, Aggregated Residual Transformations, section 3.2, figure 3",
      .minutes = 0.7,
      .run = run};
}

}  // namespace fanin
