// Units that never answer, and networks that never answer.
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

// Largest distance of a measured share from its probability, in standard deviations of a binomial share.
double deviations(double measured, double p, double trials) {
  return std::fabs(measured - p) / std::sqrt(p * (1.0 - p) / trials);
}

// Dead units of the first layer on N inputs: all N must be below 0, which unrelated inputs are one by one: 2^-N.
void first_layer(LessonContext& context) {
  constexpr int kUnits = 1024, kFeatures = 1024, kMost = 6;
  const int seeds = context.pick(2, 8, 40);
  PlotSeries measured{context.say({"measured", "测量值"}), {}, {}, {}, {}}, theory{"2^-N", {}, {}, {}, {}};
  theory.reference = true;
  double worst = 0.0;
  for (int n = 1; n <= kMost; ++n) {
    const KeptBatch batch = gaussian_batch(n, kFeatures, kClasses, context.settings().seed);
    const double dead = layer_signals(fmt::format("mlp-1-{}", kUnits), "kaiming_normal", batch, kClasses, seeds,
                                      context.settings().seed)
                            .front()
                            .dead.mean();
    measured.x.push_back(n);
    measured.y.push_back(dead);
    theory.x.push_back(n);
    theory.y.push_back(std::pow(2.0, -n));
    worst = std::max(worst, deviations(dead, theory.y.back(), static_cast<double>(seeds) * kUnits));
    context.advance(1.0, fmt::format("N = {}", n));
  }
  context.show(context.say({"dead, N = 1 to 6", "死单元，N = 1 到 6"}), measured.y,
               fmt::format("{:.4f} ... {:.4f}", measured.y.front(), measured.y.back()));
  Plot plot{.title = context.say({"First layer", "第一层"}),
            .x_label = context.say({"inputs in the batch, N", "批中的输入个数 N"}),
            .y_label = context.say({"share of dead units", "死单元的比例"}),
            .log_y = true,
            .series = {measured, theory}};
  context.page.figure(plot);
  // Four binomial deviations, and one more because N inputs of 1024 numbers are not quite orthogonal.
  context.exact({"On N unrelated inputs a share 2^-N of the first layer is dead, N = 1 to 6.",
                 "对 N 个互不相关的输入，第一层的死单元比例为 2^-N，N = 1 到 6。"},
                worst <= 5.0,
                context.say({"largest distance {:.2f} binomial deviations, at most 5 allowed",
                             "最大偏离为二项分布标准差的 {:.2f} 倍，允许 5 倍"},
                            worst));
}

std::vector<double> dead_by_layer(const std::string& scheme, const KeptBatch& batch, int depth, int width, int seeds,
                                  std::uint64_t first) {
  std::vector<double> shares;
  for (const LayerSignal& l :
       layer_signals(fmt::format("mlp-{}-{}", depth, width), scheme, batch, kClasses, seeds, first))
    shares.push_back(l.dead.mean());
  return shares;
}

// Deeper layers see inputs that look more and more alike, so that a unit is off for all or for none.
void by_depth(LessonContext& context) {
  const int depth = context.pick(8, 30, 60), width = context.pick(64, 128, 256), seeds = context.pick(2, 5, 20);
  const KeptBatch batch = gaussian_batch(context.pick(16, 64, 256), width, kClasses, context.settings().seed);
  const std::array<std::pair<Text, const char*>, 3> schemes = {
      {{{"bias 0", "偏置 0"}, "kaiming_normal"},
       {{"bias +0.1", "偏置 +0.1"}, "kaiming_normal;linear_bias=constant:value=0.1"},
       {{"bias -0.1", "偏置 -0.1"}, "kaiming_normal;linear_bias=constant:value=-0.1"}}};
  Plot plot{.title = context.say({"Deeper layers", "更深的层"}),
            .x_label = context.say({"layer", "层"}),
            .y_label = context.say({"share of dead units", "死单元的比例"}),
            .series = {}};
  std::array<std::vector<double>, 3> dead;
  for (std::size_t s = 0; s < 3; ++s) {
    const std::string name = context.say(schemes[s].first);
    dead[s] = dead_by_layer(schemes[s].second, batch, depth, width, seeds, context.settings().seed);
    plot.series.push_back({name, count_from(1, dead[s].size()), dead[s], {}, {}});
    context.show(name, dead[s],
                 context.say({"dead: {:.1f} % in layer 1, {:.1f} % in layer {}",
                              "死单元：第 1 层 {0:.1f} %，第 {2} 层 {1:.1f} %"},
                             100 * dead[s].front(), 100 * dead[s].back(), depth));
    context.advance(2.0, name);
  }
  context.page.figure(plot);
  const auto ends = [&](std::size_t s) { return 100.0 * dead[s].back(); };
  context.outcome(
      {"With biases 0 the last layer has more dead units than the first.", "偏置为 0 时，最后一层的死单元多于第一层。"},
      dead[0].back() > dead[0].front(), fmt::format("{:.2f} % -> {:.2f} %", 100.0 * dead[0].front(), ends(0)));
  context.outcome({"A bias of +0.1 leaves fewer dead units in the last layer, one of -0.1 more.",
                   "偏置 +0.1 使最后一层的死单元更少，偏置 -0.1 使之更多。"},
                  dead[1].back() < dead[0].back() && dead[0].back() < dead[2].back(),
                  fmt::format("+0.1: {:.2f} %, 0: {:.2f} %, -0.1: {:.2f} %", ends(1), ends(0), ends(2)));
}

struct Narrow {
  int width, depth;
  double collapsed = 0, expected = 0;
};

// A layer of n units with symmetric weights is off as a whole for one input with probability 2^-n.
void narrow(LessonContext& context) {
  const int seeds = context.pick(400, 1000, 10000);
  std::vector<Narrow> cases = {{2, 10}, {3, 10}, {4, 10}, {4, 20}, {4, 50}, {8, 20}};
  double worst = 0.0;
  std::vector<std::vector<std::string>> rows;
  in_parallel(
      static_cast<int>(cases.size()),
      [&](int i) {
        Narrow& c = cases[static_cast<std::size_t>(i)];
        const KeptBatch one = gaussian_batch(1, c.width, kClasses, context.settings().seed);
        const std::unique_ptr<Session> session =
            session_on(fmt::format("mlp-{}-{}", c.depth, c.width), "kaiming_normal", one, kClasses);
        for (int s = 0; s < seeds; ++s) {
          session->config.seed = context.settings().seed + static_cast<std::uint64_t>(s);
          session->initialize();
          const ConstView logits = session->model.network.forward(one.images.view(), Mode::train);
          // Without biases the logits are all 0 where the last hidden layer is; elsewhere they are so with probability 0.
          if (std::all_of(logits.data, logits.data + kClasses, [](float z) { return z == 0.0f; }))
            c.collapsed += 1.0 / seeds;
        }
        c.expected = 1.0 - std::pow(1.0 - std::pow(2.0, -c.width), c.depth);
      },
      [&](int) {
        context.advance(2.0, context.say({"narrow networks", "窄网络"}));
      });
  for (const Narrow& c : cases) {
    rows.push_back({fmt::format("{} x {}", c.depth, c.width), fmt::format("{:.4f}", c.collapsed),
                    fmt::format("{:.4f}", c.expected)});
    worst = std::max(worst, deviations(c.collapsed, c.expected, seeds));
  }
  context.page.table({context.say({"layers x units", "层数 x 单元数"}), context.say({"dead networks", "死网络的比例"}),
                      "1 - (1 - 2^-n)^L"},
                     rows);
  context.exact(
      {"A narrow network is dead for one input with probability 1 - (1 - 2^-n)^L.",
       "窄网络对一个输入完全不响应的概率为 1 - (1 - 2^-n)^L。"},
      worst <= 4.0,
      context.say(
          {"{} draws each; 20 layers of 4: {:.3f}, expected {:.3f}; largest distance {:.2f} binomial "
           "deviations, at most 4 allowed",
           "每种 {} 次；20 层每层 4 个单元：{:.3f}，预期 {:.3f}；最大偏离为二项分布标准差的 {:.2f} 倍，允许 4 倍"},
          seeds, cases[3].collapsed, cases[3].expected, worst));
  context.answer(cases[3].collapsed < 0.1 ? 0u : cases[3].collapsed < 0.5 ? 1u : 2u);
}

void run(LessonContext& context) {
  context.plan(6.0 + 3.0 * 2.0 + 6.0 * 2.0);
  first_layer(context);
  by_depth(context);
  narrow(context);
}

}  // namespace

Lesson dead_relu_lesson() {
  return {
      .name = "dead-relu",
      .title = {"Dead units, dead networks", "死单元与死网络"},
      .question =
          {"A ReLU unit that is below 0 for every input gives nothing and learns nothing. How many are dead at birth, "
           "how does that depend on depth and on the biases, and when is a whole network dead?",
           "如果一个 ReLU 单元对所有输入都小于 "
           "0，它既不输出也不学习。出生时有多少这样的死单元？与深度和偏置有什么关系？"
           "整个网络在什么情况下会死掉？"},
      .prompt =
          {"A network of 20 layers of 4 ReLU units, weights by He's rule, biases 0. With what probability does one "
           "input give exactly nothing at the end?",
           "一个 20 层、每层 4 个 ReLU 单元的网络，权重按 He 的规则，偏置为 "
           "0。一个输入到最后恰好什么都不剩的概率是多少？"},
      .choices = {{"below 10 %", "低于 10 %"}, {"10 to 50 %", "10 % 到 50 %"}, {"above 50 %", "高于 50 %"}},
      .setup =
          {"Networks at birth, no training: one layer of 1024 units on N Gaussian inputs; a deep one on a batch, with "
           "biases 0, +0.1 and -0.1; and narrow ones on one input, drawn again and again.",
           "只看出生时的网络，不训练：一层 1024 个单元、N 个高斯输入；一个深网络和一批输入，偏置为 0、+0.1 和 -0.1；"
           "以及反复抽取的窄网络，只有一个输入。"},
      .differs =
          {"Lu et al. bound the probability for whole domains of inputs and train such networks; here it is one input, "
           "for which the formula is exact, and nothing is trained.",
           "Lu 等人给出整个输入区域上的概率界，并训练这些网络；这里只看一个输入，公式对它是精确的，而且不做训练。"},
      .source = "Lu et al. 2019, Dying ReLU and Initialization, theorem on the probability of being born dead",
      .minutes = 0.1,
      .run = run};
}

}  // namespace fanin
