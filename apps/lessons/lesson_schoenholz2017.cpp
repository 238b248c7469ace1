// Poole et al. 2016 and Schoenholz et al. 2017: lengths, correlations and gradients of random tanh networks, and how deep
// they train.
// SPDX-License-Identifier: MIT
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/rows.h"
#include "apps/lessons/schoenholz2017_training.h"
#include "apps/lessons/signals.h"

#include "init/mean_field.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

namespace {

constexpr int kClasses = 10;
constexpr double kBias = 0.05;  // bias variance, as in the paper

std::string tanh_scheme(double weight_variance) {
  return fmt::format("linear=variance_scaling:scale={},mode=fan_in;linear_bias=normal:mean=0,std={:.8f}",
                     weight_variance, std::sqrt(kBias));
}

// Lengths and correlations of pre-activations by layer, with the standard errors of their means over seeds.
struct Course {
  std::vector<double> length, length_error, correlation, correlation_error, log_gradient;
  std::vector<double> length_theory, correlation_theory;
};

Course course(const std::string& activation, const std::string& scheme, const MeanField& field, double first_length,
              double first_correlation, const KeptBatch& batch, int depth, int width, int seeds, std::uint64_t first) {
  Course result;
  double q = first_length, c = first_correlation;
  for (const LayerSignal& l : layer_signals(fmt::format("mlp-{}-{}:act={}", depth, width, activation), scheme, batch,
                                            kClasses, seeds, first)) {
    result.length.push_back(l.square.mean());
    result.length_error.push_back(l.square.standard_error());
    result.correlation.push_back(l.correlation.mean());
    result.correlation_error.push_back(l.correlation.standard_error());
    result.log_gradient.push_back(mean_log(l.gradient_square));
    result.length_theory.push_back(q);
    result.correlation_theory.push_back(c);
    c = field.correlation(c, q);
    q = field.length(q);
  }
  return result;
}

// The larger of 2 % and four standard errors is allowed; returns the largest deviation as a share of that.
double distance(const std::vector<double>& measured, const std::vector<double>& error,
                const std::vector<double>& theory) {
  double worst = 0.0;
  for (std::size_t i = 0; i < measured.size(); ++i)
    worst = std::max(worst, std::fabs(measured[i] - theory[i]) / std::max(0.02 * std::fabs(theory[i]), 4.0 * error[i]));
  return worst;
}

double largest_share(const std::vector<double>& measured, const std::vector<double>& theory) {
  double worst = 0.0;
  for (std::size_t i = 0; i < measured.size(); ++i) worst = std::max(worst, std::fabs(measured[i] / theory[i] - 1.0));
  return worst;
}

void add(Plot& plot, const std::string& name, const std::vector<double>& measured, const std::vector<double>& theory) {
  const std::vector<double> layers = count_from(1, measured.size());
  plot.series.push_back({name, layers, measured, {}, {}});
  PlotSeries line{name + ", theory", layers, theory, {}, {}};
  line.reference = true;
  line.group = name;
  plot.series.push_back(line);
}

void maps(LessonContext& context) {
  const int width = context.pick(200, 1000, 1000), seeds = context.pick(10, 20, 50), depth = context.pick(6, 12, 30);
  const std::string layer = context.say({"layer", "层"});
  Plot lengths{.title = context.say({"Length, weight variance 1.76", "长度，权重方差 1.76"}),
               .x_label = layer,
               .y_label = "q",
               .series = {}},
      correlations{.title = context.say({"Correlation of two inputs", "两个输入的相关系数"}),
                   .x_label = layer,
                   .y_label = "c",
                   .series = {}};
  double length_worst = 0.0, length_share = 0.0, correlation_worst = 0.0;
  const MeanField critical("tanh", 1.76095, kBias);
  for (const double q0 : {0.1, 1.0, 4.0}) {
    const Course c = course(
        "tanh", tanh_scheme(1.76095), critical, 1.76095 * q0 + kBias, kBias / (1.76095 * q0 + kBias),
        gaussian_pair(width, kClasses, q0, 0.0, context.settings().seed), depth, width, seeds, context.settings().seed);
    length_worst = std::max(length_worst, distance(c.length, c.length_error, c.length_theory));
    length_share = std::max(length_share, largest_share(c.length, c.length_theory));
    add(lengths, fmt::format("q0 = {}", q0), c.length, c.length_theory);
    context.advance(1.0, context.say({"lengths", "长度"}));
  }
  for (const double variance : {1.2, 1.76095, 3.0}) {
    const MeanField field("tanh", variance, kBias);
    const double q = variance + kBias;
    const Course c = course("tanh", tanh_scheme(variance), field, q, (variance * 0.5 + kBias) / q,
                            gaussian_pair(width, kClasses, 1.0, 0.5, context.settings().seed), depth, width, seeds,
                            context.settings().seed);
    correlation_worst = std::max(correlation_worst, distance(c.correlation, c.correlation_error, c.correlation_theory));
    add(correlations, fmt::format("tanh {}", variance), c.correlation, c.correlation_theory);
    context.show(context.say({"correlation, tanh {}", "相关系数，tanh {}"}, variance), c.correlation,
                 fmt::format("{:.3f} -> {:.3f}", c.correlation.front(), c.correlation.back()));
    context.advance(1.0, context.say({"correlations", "相关系数"}));
  }
  const MeanField relu("relu", 2.0);
  const Course c = course("relu", "kaiming_normal", relu, 2.0, 0.0,
                          gaussian_pair(width, kClasses, 1.0, 0.0, context.settings().seed), depth, width, seeds,
                          context.settings().seed);
  correlation_worst = std::max(correlation_worst, distance(c.correlation, c.correlation_error, c.correlation_theory));
  add(correlations, "relu 2", c.correlation, c.correlation_theory);
  context.advance(1.0, context.say({"correlations", "相关系数"}));
  context.page.figure(lengths);
  context.page.figure(correlations);
  context.exact(
      {"Lengths follow the map q' = sw2 E tanh^2(sqrt(q) z) + sb2 within 2 %, or four standard errors of the seeds.",
       "长度符合映射 q' = sw2 E tanh^2(sqrt(q) z) + sb2，误差不超过 2 % 或四倍标准误。"},
      length_worst <= 1.0,
      context.say({"largest deviation {:.2f} %, {:.2f} of what is allowed; width {}, {} seeds",
                   "最大偏差 {:.2f} %，为允许值的 {:.2f}；宽度 {}，{} 个种子"},
                  100 * length_share, length_worst, width, seeds));
  context.exact({"Correlations follow their map, for tanh on both sides of the critical point and for ReLU.",
                 "相关系数符合其映射：临界点两侧的 tanh，以及 ReLU。"},
                correlation_worst <= 1.0,
                context.say({"largest distance {:.2f} of what is allowed (2 % or four standard errors)",
                             "最大偏离为允许值（2 % 或四倍标准误）的 {:.2f}"},
                            correlation_worst));
  // The closed form of the ReLU map (Cho & Saul 2009), iterated by the library and by hand.
  double by_hand = 0.0, by_field = 0.0, far = 0.0;
  for (int l = 0; l < 50; ++l) {
    by_field = relu.correlation(by_field, 1.0);
    by_hand = (std::sqrt(1.0 - by_hand * by_hand) + by_hand * (M_PI - std::acos(by_hand))) / M_PI;
    far = std::max(far, std::fabs(by_field - by_hand));
  }
  context.exact(
      {"ReLU's map is the arc-cosine map: .9879 after 50 layers from 0.",
       "ReLU 的映射就是反余弦映射：从 0 出发，50 层后为 .9879。"},
      far < 1e-9 && std::fabs(by_field - 0.9879) < 5e-5,
      context.say({"{:.5f} after 50 layers, {:.1g} from the closed form", "50 层后 {:.5f}，与闭式相差 {:.1g}"},
                  by_field, far));
}

void gradients(LessonContext& context) {
  const int width = context.pick(200, 300, 1000), seeds = context.pick(10, 20, 50), depth = context.pick(30, 40, 60);
  Plot plot{.title = context.say({"Squared gradient by layer", "逐层的梯度平方"}),
            .x_label = context.say({"layer", "层"}),
            .y_label = context.say({"relative to the last layer", "相对于最后一层"}),
            .log_y = true,
            .series = {}};
  double worst = 0.0;
  std::string numbers;
  for (const double variance : {1.0, 1.4, 2.5, 4.0}) {
    const MeanField field("tanh", variance, kBias);
    const double q = *field.fixed_length(), slope_theory = std::log(field.chi1(q));
    // Inputs of the length that the first layer turns into q*.
    const Course c = course("tanh", tanh_scheme(variance), field, q, 0.0,
                            gaussian_pair(width, kClasses, (q - kBias) / variance, 0.0, context.settings().seed), depth,
                            width, seeds, context.settings().seed);
    // Backwards: layer l has chi1^(L - l). The last layers are left out: their gradient comes from the classifier.
    std::vector<double> x, y, relative, theory;
    for (int l = 0; l + 2 < depth; ++l) x.push_back(-l), y.push_back(c.log_gradient[static_cast<std::size_t>(l)]);
    for (int l = 0; l < depth; ++l) {
      relative.push_back(std::exp(c.log_gradient[static_cast<std::size_t>(l)] - c.log_gradient.back()));
      theory.push_back(std::exp(slope_theory * (depth - 1 - l)));
    }
    const double slope = slope_of(x, y);
    // ln of a product of depth random factors scatters by about sqrt(3 / n) each: what a slope over `depth` layers and
    // the mean over seeds leave of it.
    const double allowed = std::max(0.05 * std::fabs(slope_theory), 4.0 * std::sqrt(3.0 / width / depth / seeds));
    worst = std::max(worst, std::fabs(slope - slope_theory) / allowed);
    numbers += fmt::format("{}{}: {:.4f} ({:.4f})", numbers.empty() ? "" : ", ", variance, slope, slope_theory);
    add(plot, fmt::format("{}", variance), relative, theory);
    context.advance(1.0, context.say({"gradients", "梯度"}));
  }
  context.page.figure(plot);
  context.exact({"ln of the squared gradient is a straight line in depth of slope ln chi1, within 5 % (or the scatter "
                 "of a finite width).",
                 "梯度平方的对数随深度呈直线，斜率为 ln chi1，误差不超过 5 %（或有限宽度的离散范围）。"},
                worst <= 1.0,
                context.say({"weight variance: slope (theory): {}", "权重方差：斜率（理论）：{}"}, numbers));
}

void run(LessonContext& context) {
  context.plan(7.0 + 4.0 + schoenholz_training_units(context));
  maps(context);
  gradients(context);
  schoenholz_training(context);
}

}  // namespace

Lesson schoenholz2017_lesson() {
  return {
      .name = "schoenholz2017",
      .title = {"How far a signal gets: order, chaos and the depth that trains",
                "信号能走多远：有序、混沌与可训练的深度"},
      .question = {"In a wide random network the length of a signal and the correlation of two inputs go from layer to "
                   "layer by maps of one "
                   "number. Where inputs become the same, or unrelated, nothing about them is left to learn. Does that "
                   "depth limit training?",
                   "在宽的随机网络里，信号的长度和两个输入的相关系数，逐层按一个数的映射变化。当不同输入变得相同或毫不"
                   "相关时，就没有什么可学的了。"
                   "这个深度会限制训练吗？"},
      .prompt = {"tanh networks, bias variance 0.05: with weight variance 1.2 correlations come 1/e closer to 1 every "
                 "6 layers (xi = 5.9), at 1.76 "
                 "never. Up to which depth does the network of 1.2 train in a few hundred steps?",
                 "tanh 网络，偏置方差 0.05：权重方差 1.2 时，相关系数每 6 层向 1 靠近 1/e（xi = 5.9），1.76 "
                 "时永不。方差 1.2 的网络在几百步内最深能训练多少层？"},
      .choices = {{"to about xi, 6 layers", "约 xi，6 层"},
                  {"to some 3 to 12 xi, 18 to 70 layers", "约 3 到 12 个 xi，18 到 70 层"},
                  {"deeper than 12 xi", "超过 12 个 xi"}},
      .setup = {"At birth: tanh and ReLU networks 1000 wide on pairs of inputs, measured over 20 draws against the "
                "maps. In training: a grid of "
                "depths and weight variances, 100 wide, plain SGD on 320 of ten clusters of points, 200 steps a cell.",
                "出生时：宽 1000 的 tanh 与 ReLU 网络，成对的输入，抽取 20 "
                "次权重，与映射比较。训练时：深度与权重方差的网格，宽 100，普通 SGD，"
                "十簇数据点中的 320 个，每格 200 步。"},
      .differs = {"The paper trains networks 300 wide on MNIST, to depth 300 and for more steps; here the data are "
                  "clusters in 64 dimensions, and learning "
                  "rate and steps are chosen so that a cell takes a second.",
                  "原文在 MNIST 上训练宽 300、深至 300 的网络，步数更多；这里的数据是 64 "
                  "维空间中的点簇，学习率和步数按每格一秒选取。"},
      .source = "Poole et al. 2016, figure 1; Schoenholz et al. 2017, figures 2, 5 and section 5",
      .minutes = 2.5,
      .run = run};
}

}  // namespace fanin
