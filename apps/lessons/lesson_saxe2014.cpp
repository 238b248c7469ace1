// Saxe et al. 2014: exact learning of linear networks, and what orthogonal weights do that Gaussian ones do not.
// SPDX-License-Identifier: MIT
#include "apps/lessons/linear_modes.h"
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/rows.h"
#include "apps/lessons/saxe2014_training.h"
#include "apps/lessons/signals.h"

#include "apps/study/symmetric_eigenvalues.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

namespace {

constexpr int kClasses = 10;

void modes(LessonContext& context) {
  const double rate = context.pick(2, 1, 1) * 5e-4;
  const ModeRun run =
      learn_modes({3.0, 2.0, 1.2, 0.7}, 0.002, rate, static_cast<int>(9.0 / rate), context.settings().seed);
  Plot plot{.title = context.say({"Strength of each mode while a linear network learns", "线性网络学习时各模式的强度"}),
            .x_label = context.say({"step", "步"}),
            .y_label = "u(t)",
            .series = {}};
  for (const ModeCourse& mode : run.modes) {
    const std::string name = fmt::format("s = {:g}", mode.strength);
    plot.series.push_back({name, mode.step, mode.measured, {}, {}});
    PlotSeries theory{context.say({"{}, theory", "{}，理论"}, name), mode.step, mode.theory, {}, {}};
    theory.reference = true;
    theory.group = name;
    plot.series.push_back(theory);
    std::vector<double> sparse;
    for (std::size_t i = 0; i < mode.measured.size(); i += 5) sparse.push_back(mode.measured[i]);
    context.show(name, sparse, "u(t)");
  }
  context.page.formula("u(t) = \\frac{s e^{2 s t / \\tau}}{e^{2 s t / \\tau} - 1 + s / u_0}");
  context.page.figure(plot);
  context.exact({"Each mode follows the exact solution within 1 % of its strength, at every step.",
                 "每个模式在每一步都符合精确解，误差不超过其强度的 1 %。"},
                run.largest_error <= 0.01,
                context.say({"largest error {:.3f} %, learning rate {}", "最大误差 {:.3f} %，学习率 {}"},
                            100.0 * run.largest_error, rate));
  context.advance(2.0, context.say({"exact solution", "精确解"}));
}

// Singular values of W_depth ... W_1 by depth.
struct Products {
  std::vector<double> depth, largest, median, smallest;
  double off_one = 0, condition = 0;
};

Products products(const char* scheme, int depth, int width, std::uint64_t seed) {
  const KeptBatch batch = gaussian_batch(1, width, kClasses, seed);
  const std::unique_ptr<Session> session =
      session_on(fmt::format("mlp-{}-{}:act=identity", depth, width), scheme, batch, kClasses);
  session->config.seed = seed;
  session->initialize();
  const std::size_t n = static_cast<std::size_t>(width);
  std::vector<double> product(n * n), next(n * n);
  for (std::size_t i = 0; i < n; ++i) product[i * n + i] = 1.0;
  Products p;
  for (int l = 0; l < depth; ++l) {
    const std::span<const float> w = session->model.network.find_parameter(fmt::format("fc{}.weight", l))->value;
    std::fill(next.begin(), next.end(), 0.0);
    for (std::size_t r = 0; r < n; ++r)
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t o = 0; o < n; ++o) next[r * n + o] += product[r * n + i] * static_cast<double>(w[i * n + o]);
    product.swap(next);
    if (l + 1 != 1 && l + 1 != 2 && (l + 1) % 5 != 0) continue;
    const std::vector<double> s = singular_values(product, n, n);
    p.depth.push_back(l + 1);
    p.largest.push_back(s.front());
    p.median.push_back(s[n / 2]);
    // Gram matrices keep what is above 1e-7 of the largest; smaller ones are shown at that floor.
    p.smallest.push_back(std::max(s.back(), 1e-7 * s.front()));
    p.off_one = std::max({p.off_one, std::fabs(s.front() - 1.0), std::fabs(s.back() - 1.0)});
    p.condition = s.front() / p.smallest.back();
  }
  return p;
}

void singular(LessonContext& context) {
  const int width = context.pick(50, 100, 200), depth = context.pick(50, 50, 100);
  Plot plot{.title = context.say({"Singular values of the product of all layers", "各层乘积的奇异值"}),
            .x_label = context.say({"layers", "层数"}),
            .y_label = context.say({"largest, median and smallest", "最大、中位、最小"}),
            .log_y = true,
            .series = {}};
  std::array<Products, 2> of;
  const std::array<std::pair<Text, const char*>, 2> schemes = {
      {{{"Gaussian, Var 1/n", "高斯，方差 1/n"}, "lecun_normal"}, {{"orthogonal", "正交"}, "orthogonal"}}};
  for (std::size_t i = 0; i < 2; ++i) {
    of[i] = products(schemes[i].second, depth, width, context.settings().seed);
    const std::string name = context.say(schemes[i].first);
    plot.series.push_back({name, of[i].depth, of[i].median, of[i].smallest, of[i].largest});
    context.show(context.say({"{}: median", "{}：中位数"}, name), of[i].median,
                 context.say({"singular value of products of 1 to {} layers", "1 到 {} 层乘积的奇异值"}, depth));
    context.advance(4.0, name);
  }
  context.page.figure(plot);
  context.page.note(context.say({"Below 1e-7 of the largest a singular value is not resolved and drawn at that floor.",
                                 "小于最大值 1e-7 倍的奇异值无法分辨，画在该下限处。"}));
  context.exact(
      {"Orthogonal: all singular values of the product are 1 within 1e-4 at every depth.",
       "正交：任何深度的乘积，所有奇异值都等于 1，误差不超过 1e-4。"},
      of[1].off_one < 1e-4,
      context.say({"largest distance {:.2g} up to {} layers", "最大距离 {:.2g}，直到 {} 层"}, of[1].off_one, depth));
  context.exact({"Gaussian: at 50 layers the largest is more than 1000 times the smallest.",
                 "高斯：50 层时最大值超过最小值的 1000 倍。"},
                of[0].condition > 1e3,
                context.say({"at least {:.2g} (1e+07 is what can be resolved), width {}",
                             "至少 {:.2g}（可分辨的上限为 1e+07），宽度 {}"},
                            of[0].condition, width));
}

// ln of the squared gradient at the first of 100 tanh layers over that at the last, orthogonal weights of gain g.
double log_ratio(double gain, int depth, int width, int seeds, std::uint64_t first) {
  KeptBatch batch = gaussian_batch(16, width, kClasses, first);
  for (std::size_t i = 0; i < batch.images.shape().size(); ++i) batch.images.view().data[i] *= 0.3f;
  const std::vector<LayerSignal> layers =
      layer_signals(fmt::format("mlp-{}-{}:act=tanh", depth, width),
                    fmt::format("orthogonal:gain={};fc.weight=lecun_normal", gain), batch, kClasses, seeds, first);
  return std::log(layers.front().gradient_square.mean() / layers.back().gradient_square.mean());
}

void gain(LessonContext& context) {
  const int depth = 100, width = context.pick(64, 100, 200), seeds = context.pick(1, 3, 10);
  PlotSeries line{context.say({"{} tanh layers", "{} 层 tanh"}, depth), {}, {}, {}, {}};
  for (const double g : {0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2}) {
    line.x.push_back(g);
    line.y.push_back(log_ratio(g, depth, width, seeds, context.settings().seed));
    context.advance(1.0, fmt::format("g = {}", g));
  }
  Plot plot{
      .title = context.say({"Gradients through orthogonal tanh layers of gain g", "梯度穿过增益为 g 的正交 tanh 层"}),
      .x_label = "g",
      .y_label = context.say({"ln (squared gradient, first layer / last)", "ln（梯度平方，第一层/最后一层）"}),
      .series = {line}};
  context.page.figure(plot);
  context.exact(
      {"The gradient vanishes for g = .9 and does not for g = 1.1: ln of its growth changes sign.",
       "g = .9 时梯度消失，g = 1.1 时不消失：其增长的对数变号。"},
      line.y.front() < 0.0 && line.y[4] > 0.0,
      context.say({"ln ratio {:.2f} at g = .9, {:.2f} at g = 1.1", "g = .9 时对数比 {:.2f}，g = 1.1 时 {:.2f}"},
                  line.y.front(), line.y[4]));
}

void run(LessonContext& context) {
  context.plan(2.0 + 8.0 + 7.0 + saxe_training_units(context));
  modes(context);
  singular(context);
  gain(context);
  saxe_training(context);
}

}  // namespace

Lesson saxe2014_lesson() {
  return {.name = "saxe2014",
          .title = {"Linear networks learn by an exact law, and orthogonal ones at any depth",
                    "线性网络按精确的规律学习，正交权重则与深度无关"},
          .question = {"A deep linear network computes no more than one matrix, yet it learns in a non-linear way, "
                       "mode by mode. Gaussian and "
                       "orthogonal weights of the same variance carry a signal of the same mean size. Is there a "
                       "difference for learning?",
                       "深线性网络算的不过是一个矩阵，但它的学习是非线性的，一个模式接一个模式。方差相同的高斯权重与正"
                       "交权重，信号的平均大小相同。"
                       "对学习来说有区别吗？"},
          .prompt = {"A linear network of 50 layers learns at its best learning rate. How many times as many steps as "
                     "one of 5 layers does it "
                     "need with orthogonal weights?",
                     "一个 50 层的线性网络用最佳学习率学习，权重正交。它需要的步数是 5 层网络的多少倍？"},
          .choices = {{"about as many (below 1.5)", "差不多（小于 1.5 倍）"},
                      {"1.5 to 3 times", "1.5 到 3 倍"},
                      {"more: it grows with depth", "更多：随深度增长"}},
          .setup = {"First a two-layer network, for which the course of learning is known exactly. Then products of "
                    "layers, tanh networks of "
                    "100 layers at birth, and linear networks of 5 to 50 layers in training on ten clusters of points, "
                    "each depth with the best of "
                    "many learning rates.",
                    "先是两层网络，其学习过程有精确解。然后是各层的乘积、出生时的 100 层 tanh "
                    "网络，以及在十簇数据点上训练的 5 到 50 层线性网络，"
                    "每个深度取许多学习率中最好的一个。"},
          .differs = {"The paper trains on MNIST with 1000 units, to a fixed error; here it is clusters in 64 "
                      "dimensions, cross-entropy and 64 units. Inputs of "
                      "the tanh part are small (std 0.3), so that its first layers are not saturated.",
                      "原文在 MNIST 上用 1000 个单元训练到固定误差；这里是 64 维空间中的点簇、交叉熵和 64 个单元。tanh "
                      "部分的输入较小（标准差 0.3），"
                      "使前几层不饱和。"},
          .source = "Saxe, McClelland & Ganguli 2014, equation 12, figures 3 and 6, section 4",
          .minutes = 0.3,
          .run = run};
}

}  // namespace fanin
