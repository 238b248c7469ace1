// The loss before the first step: ln K plus half the variance of the logits.
// SPDX-License-Identifier: MIT
#include "apps/lessons/exercise.h"
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/rows.h"

#include "core/train/loss.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

namespace {

constexpr int kClasses = 10, kFeatures = 256;

// Every image with every label, so that the term of the label's own logit cancels but for rounding.
KeptBatch all_labels(int images, std::uint64_t seed) {
  const KeptBatch once = gaussian_batch(images, kFeatures, kClasses, seed);
  KeptBatch batch{Tensor({images * kClasses, 1, 1, kFeatures}), {}};
  for (int k = 0; k < kClasses; ++k) {
    copy(once.images.view(), batch.images.view().images(k * images, images));
    batch.labels.insert(batch.labels.end(), static_cast<std::size_t>(images), k);
  }
  return batch;
}

struct AtBirth {
  double variance = 0, loss = 0;  // of an image's logits (divisor K), mean over images and seeds; mean loss
};

AtBirth at_birth(const std::string& classifier, const KeptBatch& batch, std::uint64_t first, int seeds) {
  const std::unique_ptr<Session> session =
      session_on(fmt::format("mlp-2-{}", kFeatures), "kaiming_normal;fc.weight=" + classifier, batch, kClasses);
  AtBirth result;
  for (int s = 0; s < seeds; ++s) {
    session->config.seed = first + static_cast<std::uint64_t>(s);
    session->initialize();
    const ConstView logits = session->model.network.forward(batch.images.view(), Mode::train);
    result.loss += softmax_cross_entropy(logits, batch.labels, 0.0f, {}).loss_sum;
    for (std::size_t n = 0; n < logits.shape.pixels(); ++n) {
      double sum = 0.0, squares = 0.0;
      for (int k = 0; k < kClasses; ++k) {
        const double z = static_cast<double>(logits.pixel(n)[k]);
        sum += z;
        squares += z * z;
      }
      result.variance += squares / kClasses - (sum / kClasses) * (sum / kClasses);
    }
  }
  const double count = static_cast<double>(seeds) * static_cast<double>(batch.labels.size());
  return {result.variance / count, result.loss / count};
}

double predicted(double variance) { return std::log(kClasses) + 0.5 * variance; }

struct Choice {
  const char* name;
  const char* classifier;
};
constexpr std::array<Choice, 4> kUsual = {{{"zeros", "zeros"},
                                           {"normal, std 0.01", "normal:mean=0,std=0.01"},
                                           {"U(+-1/sqrt(fan_in))", "torch_default"},
                                           {"He (kaiming_normal)", "kaiming_normal"}}};

std::string scaled(double deviation) {  // features have second moment 1 behind He's rule: variance = fan_in * std^2
  return fmt::format("normal:mean=0,std={:.6g}", deviation / std::sqrt(static_cast<double>(kFeatures)));
}

// Loss against the scale of the logits, up to which the formula holds, and what usual classifiers give.
void measure(LessonContext& context) {
  const int images = context.pick(32, 64, 256), seeds = context.pick(5, 10, 40);
  const KeptBatch batch = all_labels(images, context.settings().seed);
  const std::vector<double> deviations = {0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 4.0, 8.0};
  PlotSeries measured{context.say({"measured", "测量值"}), {}, {}, {}, {}},
      theory{context.say({"ln K + variance / 2", "ln K + 方差/2"}), {}, {}, {}, {}};
  theory.reference = true;
  double worst = 0.0;
  for (const double deviation : deviations) {
    const AtBirth b = at_birth(scaled(deviation), batch, context.settings().seed, seeds);
    measured.x.push_back(b.variance);
    measured.y.push_back(b.loss - std::log(kClasses));
    theory.x.push_back(b.variance);
    theory.y.push_back(0.5 * b.variance);
    if (b.variance <= 0.1) worst = std::max(worst, std::fabs(b.loss - predicted(b.variance)) / (0.5 * b.variance));
    context.advance(1.0, fmt::format("std {}", deviation));
  }
  Plot plot{.title = context.say({"Excess loss at birth", "出生时超出的损失"}),
            .x_label = context.say({"variance of an image's logits", "每幅图像 logit 的方差"}),
            .y_label = context.say({"loss - ln K", "损失 - ln K"}),
            .log_x = true,
            .log_y = true,
            .series = {}};
  context.show(context.say({"loss - ln K", "损失 - ln K"}), measured.y,
               context.say({"logit variance {:.2g} to {:.2g}", "logit 方差从 {:.2g} 到 {:.2g}"}, measured.x.front(),
                           measured.x.back()));
  plot.series = {measured, theory};
  context.page.figure(plot);
  // The next terms of ln mean exp(z) are the third and fourth cumulants of the K logits: of order variance^2 / K.
  context.exact(
      {"While the logits' variance is at most 0.1, the loss is ln K + variance / 2 within 5 % of the second term.",
       "logit 方差不超过 0.1 时，损失等于 ln K + 方差/2，误差不超过第二项的 5 %。"},
      worst <= 0.05, context.say({"largest deviation {:.2f} %", "最大偏差 {:.2f} %"}, 100.0 * worst));

  std::vector<std::vector<std::string>> rows;
  double he = 0.0, torch = 0.0;
  for (const Choice& choice : kUsual) {
    const AtBirth b = at_birth(choice.classifier, batch, context.settings().seed, seeds);
    rows.push_back({choice.name, fmt::format("{:.4f}", b.variance), fmt::format("{:.4f}", b.loss),
                    fmt::format("{:.4f}", predicted(b.variance))});
    if (choice.classifier == std::string_view("kaiming_normal")) he = b.loss;
    if (choice.classifier == std::string_view("torch_default")) torch = b.loss;
    context.advance(1.0, choice.name);
  }
  context.page.table({context.say({"classifier's weights", "分类层权重"}),
                      context.say({"logit variance", "logit 方差"}), context.say({"loss", "损失"}), "ln K + Var/2"},
                     rows);
  // Features behind He's rule have second moment 1, so that logits have variance fan_in * v: 1/3 and 2, of which the
  // mean over K logits takes 1/K.
  context.exact(
      {"The classifier's fill shows: U(+-1/sqrt(fan_in)) starts within 0.25 of ln K, He's at least 0.5 above.",
       "分类层的填充方式看得出来：U(+-1/sqrt(fan_in)) 的起始损失与 ln K 相差不到 0.25，He 的至少高出 0.5。"},
      torch - std::log(kClasses) < 0.25 && he - std::log(kClasses) > 0.5,
      context.say({"ln 10 = {:.4f}; {:.4f} and {:.4f}", "ln 10 = {:.4f}；{:.4f} 与 {:.4f}"}, std::log(kClasses), torch,
                  he));
  context.answer(he - std::log(kClasses) > 0.5 ? 1u : 0u);
}

// Does it matter later?
void train(LessonContext& context) {
  const int seeds = context.pick(1, 3, 5), steps = context.pick(20, 600, 3000), window = std::max(1, steps / 40);
  const Dataset data = small_images(context, context.pick(256, 2000, 10000), context.pick(100, 1000, 2000), 8);
  const std::array<double, 4> deviations = {0.0, 0.1, 1.0, 10.0};
  std::vector<Exercised> runs(deviations.size() * static_cast<std::size_t>(seeds));
  in_parallel(
      static_cast<int>(runs.size()),
      [&](int i) {
        const std::size_t k = static_cast<std::size_t>(i);
        runs[k] = exercise(
            data, {.model = fmt::format("mlp-2-{}", kFeatures),
                   .scheme = "kaiming_normal;fc.weight=" + scaled(deviations[k / static_cast<std::size_t>(seeds)]),
                   .rate = 0.02,
                   .steps = steps,
                   .seed = context.settings().seed + k % static_cast<std::size_t>(seeds),
                   .test = true});
      },
      [&](int) {
        context.advance(2.0, context.say({"training", "训练"}));
      });
  Plot plot{.title = context.say({"The same networks in training", "同样的网络在训练中"}),
            .x_label = context.say({"step", "步"}),
            .y_label = context.say({"mean loss", "平均损失"}),
            .log_y = true,
            .series = {}};
  std::vector<double> last(deviations.size()), test(deviations.size());
  for (std::size_t d = 0; d < deviations.size(); ++d) {
    const std::size_t first = d * static_cast<std::size_t>(seeds);
    const std::string name = context.say({"logits of std {}", "logit 标准差 {}"}, deviations[d]);
    plot.series.push_back(smooth_series(name, runs[first].loss, window));
    for (std::size_t s = 0; s < static_cast<std::size_t>(seeds); ++s) {
      last[d] += runs[first + s].last_loss(window * 4) / seeds;
      test[d] += 100.0 * runs[first + s].test_accuracy / seeds;
    }
    context.show(name, plot.series.back().y,
                 context.say({"{:.3f} at first, {:.3f} at the end", "开始 {:.3f}，最后 {:.3f}"},
                             runs[first].loss.front(), last[d]));
  }
  context.page.figure(plot);
  if (last[3] < last[0])
    context.page.paragraph(context.say(
        {"The start at std 10 pays {:.1f} at first and overtakes all others: large classifier weights enlarge the "
         "gradients of the "
         "layers below, which is a larger learning rate for them, and the one rate of this comparison is small. Test "
         "accuracy: {:.1f} % "
         "against {:.1f} % from std 1. With one learning rate for all starts, learning rates are compared as well.",
         "从标准差 10 出发，开始时的代价是 "
         "{:.1f}，却超过了所有其他起点：分类层权重大，下面各层的梯度也随之变大，相当于它们的学习率更大，"
         "而这里统一的学习率偏小。测试准确率：{:.1f} %，标准差 1 为 {:.1f} "
         "%。所有起点共用一个学习率时，比较的也是学习率。"},
        runs[3 * static_cast<std::size_t>(seeds)].loss.front(), test[3], test[2]));
  context.outcome(
      {"A start at small logits costs nothing: zeros end within 0.05 of std 1 in training loss, mean over seeds.",
       "从小的 logit 出发没有代价：全零最后的训练损失与标准差 1 相差不到 0.05（对种子平均）。"},
      std::fabs(last[0] - last[2]) <= 0.05,
      context.say({"{:.3f} and {:.3f} after {} steps", "{:.3f} 与 {:.3f}（{} 步之后）"}, last[0], last[2], steps));
  context.outcome({"A start at logits of std 10 has not caught up at the end: training loss at least 0.05 above zeros.",
                   "从标准差为 10 的 logit 出发，到最后也没有赶上：训练损失比全零至少高 0.05。"},
                  last[3] - last[0] >= 0.05, context.say({"{:.3f} and {:.3f}", "{:.3f} 与 {:.3f}"}, last[3], last[0]));
  context.outcome({"It generalizes worse: the test accuracy of std 10 is below that of std 1.",
                   "它的泛化更差：标准差 10 的测试准确率低于标准差 1。"},
                  test[3] < test[2], context.say({"{:.1f} % and {:.1f} %", "{:.1f} % 与 {:.1f} %"}, test[3], test[2]));
}

void run(LessonContext& context) {
  context.plan(10.0 + 4.0 + 2.0 * 4.0 * context.pick(1, 3, 5));
  measure(context);
  train(context);
}

}  // namespace

Lesson loss_at_birth_lesson() {
  return {
      .name = "loss-at-birth",
      .title = {"The first loss tells how large the logits are", "第一个损失值说明 logit 有多大"},
      .question =
          {"A network that knows nothing should pay ln K for K classes. Yet printed first losses are often higher. "
           "What sets the loss before the first step, and does it matter later?",
           "什么都不知道的网络，K 个类别的损失应当是 ln "
           "K。可是打印出来的第一个损失常常更高。第一步之前的损失由什么决定？"
           "以后还有影响吗？"},
      .prompt =
          {"Ten classes, ln 10 = 2.303. Features have second moment 1, and the classifier's weights follow He's rule, "
           "variance 2 / fan_in. What is the first loss?",
           "十个类别，ln 10 = 2.303。特征的二阶矩为 1，分类层权重按 He 的规则取，方差 2 / fan_in。第一个损失是多少？"},
      .choices = {{"2.3: random guesses cost ln K", "2.3：随机猜测的代价是 ln K"},
                  {"about 3: half the logits' variance more", "约 3：多出 logit 方差的一半"},
                  {"above 5: confident errors are expensive", "大于 5：自信的错误代价很高"}},
      .setup =
          {"Perceptrons with two hidden layers of 256 ReLU units behind He's rule; only the classifier's weights "
           "change. "
           "At birth every Gaussian input is paired with all ten labels, which leaves the spread of the logits as the "
           "only cause. Then four of them train on the built-in images (8 x 8).",
           "两个隐藏层、每层 256 个 ReLU 单元的感知机，按 He "
           "的规则初始化；只改变分类层的权重。出生时每个高斯输入都配上全部十个标签，"
           "这样只剩 logit 的离散程度起作用。然后其中四个在内置图像（8 x 8）上训练。"},
      .differs =
          {"Not from one paper: the second-order expansion of the softmax loss is common knowledge; networks and "
           "images are ours.",
           "不出自某一篇论文：softmax 损失的二阶展开是常识；网络和图像是我们选的。"},
      .source = "second-order expansion of ln mean exp; the check is common practice",
      .minutes = 0.2,
      .run = run};
}

}  // namespace fanin
