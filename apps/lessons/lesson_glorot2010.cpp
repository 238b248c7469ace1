// Glorot & Bengio 2010: activations, gradients, weight gradients and Jacobians of tanh networks at birth.
// SPDX-License-Identifier: MIT
#include "apps/lessons/glorot2010_training.h"
#include "apps/lessons/layer_jacobians.h"
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/rows.h"

#include "init/mean_field.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

namespace {

constexpr int kDepth = 5, kClasses = 10;

struct Start {
  Text name;
  const char* scheme;
  double weight_variance;  // n * Var[w]
  Text key;
};
const std::array<Start, 2> kStarts = {
    {{{"standard, U(+-1/sqrt(n))", "标准，U(+-1/sqrt(n))"}, "linear=torch_default", 1.0 / 3.0, {"standard", "标准"}},
     {{"normalized (Xavier)", "归一化（Xavier）"}, "xavier_uniform", 1.0, {"normalized", "归一化"}}}};

const NodeBirth& node(const Birth& b, const std::string& name) {
  return *std::find_if(b.nodes.begin(), b.nodes.end(), [&](const NodeBirth& n) { return n.node == name; });
}

// What layers 0 ... 4 do, measured and by the mean-field maps.
struct Layers {
  std::vector<double> activation, activation_theory;  // second moments of act0 ...
  std::vector<double> gradient, ratio, ratio_theory;  // of fc0 ...; gradient of fc(l) over that of fc(l + 1)
  std::vector<double> weight_gradient;                // second moment of an element
};

Layers layers_of(const Birth& b, const Start& start) {
  Layers l;
  const MeanField field("tanh", start.weight_variance);
  double q = start.weight_variance * node(b, "input").square.mean();  // of fc0; inputs are not squashed
  for (int i = 0; i < kDepth; ++i) {
    const std::string fc = fmt::format("fc{}", i);
    l.activation.push_back(node(b, fmt::format("act{}", i)).square.mean());
    l.activation_theory.push_back(field.length(q) / start.weight_variance);
    l.gradient.push_back(node(b, fc).gradient_square.mean());
    if (i + 1 < kDepth) {
      l.ratio.push_back(l.gradient.back() / node(b, fmt::format("fc{}", i + 1)).gradient_square.mean());
      l.ratio_theory.push_back(field.chi1(q));
    }
    q = field.length(q);
    const WeightBirth& w = b.weights[static_cast<std::size_t>(i)];
    double squares = 0.0;
    for (const double norm : w.gradient_norm.values) squares += norm * norm;
    l.weight_gradient.push_back(squares / (static_cast<double>(w.gradient_norm.values.size()) * w.fan_in * w.fan_out));
  }
  return l;
}

double worst_ratio(const std::vector<double>& measured, const std::vector<double>& theory) {
  double worst = 0.0;
  for (std::size_t i = 0; i < measured.size(); ++i) worst = std::max(worst, std::fabs(measured[i] / theory[i] - 1.0));
  return worst;
}

double spread(const std::vector<double>& values) {
  return *std::max_element(values.begin(), values.end()) / *std::min_element(values.begin(), values.end());
}

void add_frames(const Birth& b, const std::string& name, bool gradients, HistogramStack& stack) {
  stack.frames.resize(kDepth);
  for (int i = 0; i < kDepth; ++i) {
    const NodeBirth& n = node(b, (gradients ? "fc" : "act") + std::to_string(i));
    const Histogram& h = gradients ? n.gradients : n.values;
    stack.frames[static_cast<std::size_t>(i)].label = fmt::format("{}", i + 1);
    stack.frames[static_cast<std::size_t>(i)].series.push_back({name, h.low, h.high, h.counts});
  }
}

void at_birth(LessonContext& context) {
  const int width = context.pick(320, 1000, 1000), seeds = context.pick(2, 10, 20);
  const KeptBatch batch = gaussian_batch(100, width, kClasses, context.settings().seed);
  const std::string layer = context.say({"hidden layer", "隐藏层"});
  HistogramStack values{context.say({"Activations, layer by layer", "逐层的激活值"}), "tanh(h)", layer, {}},
      gradients{context.say({"Back-propagated gradients, layer by layer", "逐层的反向传播梯度"}), "dL/dh", layer, {}};
  Plot moments{
      .title = context.say({"Second moments", "二阶矩"}),
      .x_label = layer,
      .y_label = context.say({"relative to layer 5's (gradients) or to the input's", "相对于第 5 层（梯度）或输入"}),
      .log_y = true,
      .series = {}};
  std::array<Layers, 2> of;
  std::array<LayerJacobians, 2> jacobians;
  for (std::size_t s = 0; s < kStarts.size(); ++s) {
    const std::string name = context.say(kStarts[s].name), key = context.say(kStarts[s].key);
    const std::unique_ptr<Session> session =
        session_on(fmt::format("mlp-{}-{}:act=tanh", kDepth, width), kStarts[s].scheme, batch, kClasses);
    session->config.seed = context.settings().seed;
    const Birth b = birth(*session, seeds, batch);
    context.advance(6.0, name);
    of[s] = layers_of(b, kStarts[s]);
    jacobians[s] = layer_jacobians(kStarts[s].scheme, kStarts[s].weight_variance, kDepth, context.pick(100, 200, 400),
                                   context.settings().seed);
    context.advance(2.0, name);
    add_frames(b, name, false, values);
    add_frames(b, name, true, gradients);
    const auto line = [&](const Text& what, std::vector<double> y, double unit, bool reference) {
      for (double& v : y) v /= unit;
      PlotSeries series{key + ": " + context.say(what), count_from(1, y.size()), y, {}, {}};
      series.reference = reference;
      moments.series.push_back(series);
    };
    line({"activations", "激活值"}, of[s].activation, 1.0, false);
    line({"activations, theory", "激活值，理论"}, of[s].activation_theory, 1.0, true);
    line({"gradients", "梯度"}, of[s].gradient, of[s].gradient.back(), false);
    line({"weight gradients", "权重梯度"}, of[s].weight_gradient, of[s].weight_gradient.back(), false);
    context.show(name, of[s].activation,
                 context.say({"second moments of activations, layers 1 to 5", "激活值的二阶矩，第 1 到 5 层"}));
  }
  context.page.figure(values);
  context.page.figure(gradients);
  context.page.figure(moments);

  const double activations = std::max(worst_ratio(of[0].activation, of[0].activation_theory),
                                      worst_ratio(of[1].activation, of[1].activation_theory));
  context.exact({"Second moments of activations follow the mean-field map within 5 % in every layer.",
                 "每一层激活值的二阶矩都符合平均场映射，误差在 5 % 以内。"},
                activations <= 0.05,
                context.say({"largest deviation {:.2f} %; from layer 4 to 5 the moment shrinks by {:.3f} (standard, "
                             "limit 1/3) and {:.3f} (normalized, limit 1)",
                             "最大偏差 {:.2f} %；从第 4 层到第 5 层，二阶矩缩小为 {:.3f} 倍（标准，极限 1/3）和 {:.3f} "
                             "倍（归一化，极限 1）"},
                            100.0 * activations, of[0].activation[4] / of[0].activation[3],
                            of[1].activation[4] / of[1].activation[3]));
  const double ratios =
      std::max(worst_ratio(of[0].ratio, of[0].ratio_theory), worst_ratio(of[1].ratio, of[1].ratio_theory));
  context.exact({"From layer to layer the squared back-propagated gradient changes by n Var[w] E tanh'^2, within 10 %.",
                 "反向传播梯度的平方逐层变化的倍数为 n Var[w] E tanh'^2，误差在 10 % 以内。"},
                ratios <= 0.10,
                context.say({"largest deviation {:.2f} %; over four layers the gradient shrinks by {:.1f} (standard) "
                             "and {:.2f} (normalized)",
                             "最大偏差 {:.2f} %；经过四层，梯度缩小为 1/{:.1f}（标准）和 1/{:.2f}（归一化）"},
                            100.0 * ratios, of[0].gradient.back() / of[0].gradient.front(),
                            of[1].gradient.back() / of[1].gradient.front()));
  context.exact({"Weight gradients are flat all the same: over the five layers largest / smallest second moment < 1.5.",
                 "权重梯度却是平的：五层之中，二阶矩最大与最小之比小于 1.5。"},
                spread(of[0].weight_gradient) < 1.5 && spread(of[1].weight_gradient) < 1.5,
                context.say({"{:.3f} (standard), {:.3f} (normalized)", "{:.3f}（标准），{:.3f}（归一化）"},
                            spread(of[0].weight_gradient), spread(of[1].weight_gradient)));
  const auto behind = [](const std::vector<double>& v) { return std::vector<double>(v.begin() + 1, v.end()); };
  double jacobian = 0.0, first = 0.0;
  for (const LayerJacobians& l : jacobians) {
    jacobian = std::max(jacobian, worst_ratio(behind(l.mean), behind(l.theory)));
    first = std::max(first, std::fabs(l.mean[0] / l.theory[0] - 1.0));
  }
  const auto [low0, high0] = std::minmax_element(jacobians[0].mean.begin() + 1, jacobians[0].mean.end());
  const auto [low1, high1] = std::minmax_element(jacobians[1].mean.begin() + 1, jacobians[1].mean.end());
  context.exact(
      {"From layer 2 on the mean singular value of a layer's Jacobian is .849 sqrt(n Var[w]) times its mean tanh', "
       "within 5 %.",
       "从第 2 层起，各层雅可比矩阵的平均奇异值为 .849 sqrt(n Var[w]) 乘以该层 tanh' 的均值，误差在 5 % 以内。"},
      jacobian <= 0.05,
      context.say({"largest deviation {:.1f} % (layer 1, whose tanh' vary most: {:.1f} %); {:.3f} to {:.3f} "
                   "(standard), {:.3f} to {:.3f} (normalized); "
                   "the paper reports about .5 and .8",
                   "最大偏差 {:.1f} %（第 1 层的 tanh' 变化最大：{:.1f} %）；{:.3f} 到 {:.3f}（标准），{:.3f} 到 "
                   "{:.3f}（归一化）；原文约为 .5 与 .8"},
                  100.0 * jacobian, 100.0 * first, *low0, *high0, *low1, *high1));
  context.answer(spread(of[0].weight_gradient) < 1.5                   ? 1u
                 : of[0].weight_gradient[0] < of[0].weight_gradient[4] ? 0u
                                                                       : 2u);
}

void run(LessonContext& context) {
  context.plan(16.0 + glorot_training_units(context));
  at_birth(context);
  glorot_training(context);
}

}  // namespace

Lesson glorot2010_lesson() {
  return {
      .name = "glorot2010",
      .title = {"Why U(+-1/sqrt(n)) fades: Glorot and Bengio's figures",
                "为什么 U(+-1/sqrt(n)) 会衰减：Glorot 与 Bengio 的图"},
      .question = {"In 2010 the usual weights were U(+-1/sqrt(n)). Glorot and Bengio looked at every layer of a tanh "
                   "network and "
                   "proposed variance 2 / (fan_in + fan_out). What did they see, and is the gradient of the weights as "
                   "uneven as "
                   "everything else?",
                   "2010 年通常的权重是 U(+-1/sqrt(n))。Glorot 与 Bengio 观察了 tanh 网络的每一层，提出方差 2 / "
                   "(fan_in + fan_out)。"
                   "他们看到了什么？权重的梯度也像其他量一样不均匀吗？"},
      .prompt = {"With U(+-1/sqrt(n)) activations shrink layer by layer going forward, and so do gradients going "
                 "backward. The "
                 "gradient of a layer's weights is made of both. Where is it smallest at birth?",
                 "用 U(+-1/sqrt(n)) "
                 "时，激活值向前逐层缩小，梯度向后也逐层缩小。某层权重的梯度由二者共同构成。出生时它在哪一层最小？"},
      .choices = {{"in the first layer, as gradients vanish", "第一层，因为梯度消失"},
                  {"nowhere: it is the same in all layers", "没有：各层都一样"},
                  {"in the last layer, as activations vanish", "最后一层，因为激活值消失"}},
      .setup =
          {"At birth: five hidden layers of 1000 tanh units on Gaussian inputs, ten draws of the weights. In training: "
           "smaller "
           "networks with plain SGD on batches of 10 of the built-in images, with the best of several learning rates.",
           "出生时：五个隐藏层、每层 1000 个 tanh 单元，高斯输入，权重抽取十次。训练时：较小的网络，用普通 SGD、每批 "
           "10 幅内置图像，"
           "取几个学习率中最好的一个。"},
      .differs = {"The paper has 1000 units throughout, Shapeset, MNIST, CIFAR-10 and Small-ImageNet, and long "
                  "training with early "
                  "stopping. Here training has 100 to 200 units, a few thousand steps and images drawn by the program; "
                  "only the "
                  "order of methods can be compared, not the errors.",
                  "原文始终用 1000 个单元，数据为 Shapeset、MNIST、CIFAR-10 和 "
                  "Small-ImageNet，训练很久并提前停止。这里的训练只有 100 到 200 个单元、"
                  "几千步和程序自己画的图像；只能比较方法的次序，不能比较误差的数值。"},
      .source = "Glorot & Bengio 2010, figures 2, 3 and 6 to 9, table 1",
      .minutes = 0.5,
      .run = run};
}

}  // namespace fanin
