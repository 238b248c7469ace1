// Equal units stay equal: why weights are drawn at random at all.
// SPDX-License-Identifier: MIT
#include "apps/lessons/exercise.h"
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/rows.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

namespace {

constexpr int kWidth = 32;

// Outputs of a linear weight that differ from all earlier ones by more than 1e-5 of their length. HWIO: output o of
// input i is at i * outputs + o.
int distinct_units(const WeightShape& shape, std::span<const float> values) {
  const int in = shape.in_per_group, out = shape.out_channels();
  const auto at = [&](int i, int o) { return static_cast<double>(values[static_cast<std::size_t>(i * out + o)]); };
  std::vector<int> kept;
  for (int o = 0; o < out; ++o) {
    const bool known = std::any_of(kept.begin(), kept.end(), [&](int k) {
      double difference = 0.0, length = 0.0;
      for (int i = 0; i < in; ++i) {
        difference += (at(i, o) - at(i, k)) * (at(i, o) - at(i, k));
        length += at(i, k) * at(i, k);
      }
      return difference <= 1e-10 * length;
    });
    if (!known) kept.push_back(o);
  }
  return static_cast<int>(kept.size());
}

// The most of any hidden layer, of weights or of gradients; hidden layers are fc0, fc1, ...
int distinct_hidden(const Network& net, bool gradients) {
  int most = 0;
  for (const Parameter* p : net.parameters())
    if (p->shape.rank == 2 && p->name != "fc.weight")
      most = std::max(most, distinct_units(p->shape, gradients ? p->grad : p->value));
  return most;
}

double largest_hidden(const Network& net) {
  double largest = 0.0;
  for (const Parameter* p : net.parameters())
    if (p->shape.rank == 2 && p->name != "fc.weight")
      for (const float v : p->value) largest = std::max(largest, std::fabs(static_cast<double>(v)));
  return largest;
}

struct Start {
  Text name;
  const char* scheme;
};
enum : std::size_t { zeros, constant, noise, random };
constexpr std::array<Start, 4> kStart = {{{{"all weights 0", "权重全为 0"}, "zeros"},
                                          {{"all weights 0.05", "权重全为 0.05"}, "constant:value=0.05"},
                                          {{"0.05 and 1 % noise", "0.05 加 1 % 噪声"}, "normal:mean=0.05,std=0.0005"},
                                          {{"random (Xavier)", "随机（Xavier）"}, "xavier_normal"}}};

struct Course {
  std::vector<double> step, distinct;
  PlotSeries smooth;             // loss
  int gradient_units = 0;        // after the first step: gradients that it used
  int most_units = 0;            // ever
  double largest = 0, loss = 0;  // of hidden weights; at the end
};

Course train(const Dataset& data, const Start& start, const LessonContext& context, std::uint64_t seed) {
  Course course;
  const int steps = context.pick(20, 400, 3000), window = std::max(1, steps / 40);
  const Exercise e{.model = "mlp-2-32:act=tanh", .scheme = start.scheme, .rate = 0.1, .steps = steps, .seed = seed};
  const Exercised run = exercise(data, e, [&](int step, Network& net) {
    if (step == 1) course.gradient_units = distinct_hidden(net, true);
    if (step % window != 0) return;
    course.step.push_back(step);
    course.distinct.push_back(distinct_hidden(net, false));
    course.most_units = std::max(course.most_units, distinct_hidden(net, false));
    course.largest = std::max(course.largest, largest_hidden(net));
  });
  course.smooth = smooth_series("", run.loss, window);
  course.loss = run.last_loss(window * 4);
  return course;
}

void run(LessonContext& context) {
  const int seeds = context.pick(1, 3, 10);
  const Dataset data = small_images(context, context.pick(256, 2000, 10000), 10, 8);
  context.plan(seeds * static_cast<double>(kStart.size()));
  Plot losses{.title = context.say({"Training loss", "训练损失"}),
              .x_label = context.say({"step", "步"}),
              .y_label = context.say({"mean loss", "平均损失"}),
              .series = {}};
  Plot units{
      .title = context.say({"Different units", "不同的单元数"}),
      .x_label = losses.x_label,
      .y_label = context.say({"different units of a hidden layer, the most", "隐藏层中不同单元的个数（取最多的一层）"}),
      .series = {}};
  std::array<std::vector<Course>, kStart.size()> courses;
  for (std::vector<Course>& of_start : courses) of_start.resize(static_cast<std::size_t>(seeds));
  in_parallel(
      seeds * static_cast<int>(kStart.size()),
      [&](int i) {
        const std::size_t s = static_cast<std::size_t>(i / seeds), k = static_cast<std::size_t>(i % seeds);
        courses[s][k] = train(data, kStart[s], context, context.settings().seed + k);
      },
      [&](int i) { context.advance(1.0, context.say(kStart[static_cast<std::size_t>(i / seeds)].name)); });
  for (std::size_t s = 0; s < kStart.size(); ++s) {
    const std::string name = context.say(kStart[s].name);
    const Course& first = courses[s].front();
    losses.series.push_back(first.smooth);
    losses.series.back().name = name;
    units.series.push_back({name, first.step, first.distinct, {}, {}});
    context.show(name, first.smooth.y, context.say({"loss, {:.3f} at the end", "损失，最后为 {:.3f}"}, first.loss));
  }
  context.page.figure(losses);
  context.page.figure(units);

  int gradient_units = 0, units_ever = 0;
  double moved = 0.0, gap = INFINITY;
  for (std::size_t k = 0; k < courses[constant].size(); ++k) {
    gradient_units = std::max({gradient_units, courses[constant][k].gradient_units, courses[zeros][k].gradient_units});
    units_ever = std::max(units_ever, courses[constant][k].most_units);
    moved = std::max(moved, courses[zeros][k].largest);
    gap = std::min(gap, courses[constant][k].loss - courses[random][k].loss);
  }
  context.exact({"Equal weights get equal gradients: of every hidden layer's weight gradient all rows are the same.",
                 "相等的权重得到相等的梯度：每个隐藏层的权重梯度，所有行都相同。"},
                gradient_units == 1,
                context.say({"different rows at the first step: {} of {}", "第一步时不同的行数：{}，共 {} 行"},
                            gradient_units, kWidth));
  context.exact({"Training never tells them apart: the number of different units stays 1.",
                 "训练永远无法区分它们：不同单元的个数始终为 1。"},
                units_ever == 1,
                context.say({"at most {} different units at any time; {} with noise, {} with random weights",
                             "任何时刻不同的单元最多 {} 个；加噪声时 {} 个，随机权重时 {} 个"},
                            units_ever, courses[noise].front().most_units, courses[random].front().most_units));
  context.exact({"Zeros do not even move: every hidden weight is exactly 0 at the end.",
                 "全零的权重根本不动：最后每个隐藏层权重仍恰好为 0。"},
                moved == 0.0, context.say({"largest hidden weight {:g}", "隐藏层权重的最大绝对值 {:g}"}, moved));
  context.outcome({"Random weights end at a lower training loss than equal ones, for every seed.",
                   "对每个随机种子，随机权重最后的训练损失都低于相等的权重。"},
                  gap > 0.0,
                  context.say({"smallest gap over {} seeds: {:.3f}", "{} 个种子中最小的差：{:.3f}"}, seeds, gap));
  context.answer(units_ever == 1 ? 0u : units_ever < kWidth ? 1u : 2u);
}

}  // namespace

Lesson symmetry_lesson() {
  return {
      .name = "symmetry",
      .title = {"Equal weights stay equal", "相等的权重永远相等"},
      .question =
          {"Why are weights drawn at random? A layer of 32 units whose weights are all equal computes one number "
           "32 times. Gradient descent might tell the units apart, or it might not.",
           "为什么权重要随机取？如果一层 32 个单元的权重全都相等，它就把同一个数算了 32 "
           "遍。梯度下降也许能把这些单元区分开，"
           "也许不能。"},
      .prompt =
          {"All weights of a hidden layer of 32 units start at 0.05. How many different units has the layer after "
           "hundreds of steps on real gradients?",
           "一个有 32 个单元的隐藏层，所有权重都从 0.05 开始。按真实梯度训练几百步之后，这一层有多少个不同的单元？"},
      .choices = {{"1: they stay equal", "1 个：它们始终相等"},
                  {"some, between 2 and 31", "若干个，在 2 到 31 之间"},
                  {"32: gradients tell them apart", "32 个：梯度把它们区分开"}},
      .setup =
          {"A perceptron with two hidden layers of 32 tanh units learns the built-in images, made 8 x 8 pixels small, "
           "by plain SGD from four starts. Two units count as equal if their weights differ by at most 1e-5 of their "
           "length, which is rounding.",
           "一个有两个隐藏层、每层 32 个 tanh 单元的感知机，用普通 SGD 学习内置图像（缩小为 8 x 8 "
           "像素），从四种起点出发。"
           "两个单元的权重之差不超过其长度的 1e-5（即舍入误差）时，算作相等。"},
      .differs =
          {"The argument is in any textbook and has no figure of its own; network, images and the noisy start are "
           "ours.",
           "这个论证见于各种教科书，没有专门的图；网络、图像和加噪声的起点是我们选的。"},
      .source = "Goodfellow, Bengio & Courville 2016, Deep Learning, section 8.4",
      .minutes = 0.1,
      .run = run};
}

}  // namespace fanin
