// The size of the weights and the learning rate, with and without BatchNorm.
// SPDX-License-Identifier: MIT
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/rows.h"
#include "apps/lessons/trials.h"

#include "core/train/loss.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace fanin {

namespace {

constexpr std::array<double, 5> kScales = {0.1, 0.31622777, 1.0, 3.1622777, 10.0};  // of He's standard deviation
constexpr std::array<double, 5> kRates = {0.001, 0.01, 0.1, 1.0, 10.0};
constexpr std::array<const char*, 2> kModels = {"plain-8-8:norm=bn", "plain-8-8"};

std::string scheme_of(double scale) {
  return fmt::format("conv=variance_scaling:scale={:.8g};linear=torch_default", 2.0 * scale * scale);
}

struct FirstStep {
  double loss = 0, gradient = 0;  // the length of the gradient by all convolutions
};

FirstStep first_step(const char* model, double scale, const KeptBatch& batch, std::uint64_t seed) {
  const std::unique_ptr<Session> session = session_on(model, scheme_of(scale), batch, 10);
  session->config.seed = seed;
  session->initialize();
  Network& net = session->model.network;
  const ConstView logits = net.forward(batch.images.view(), Mode::train);
  Tensor gradient(logits.shape);
  FirstStep step;
  step.loss = softmax_cross_entropy(logits, batch.labels, 0.0f, gradient.view()).loss_sum / batch.images.shape().images;
  net.backward(std::as_const(gradient).view());
  double sum = 0.0;
  for (const Parameter* p : net.parameters())
    if (p->role == Role::conv_weight)
      for (const float g : p->grad) sum += static_cast<double>(g) * static_cast<double>(g);
  step.gradient = std::sqrt(sum);
  return step;
}

// With BatchNorm: f(10 w) = f(w), hence gradient(10 w) = gradient(w) / 10, but for epsilon.
void at_birth(LessonContext& context, const Dataset& data) {
  const KeptBatch batch = batch_of(data, 64, context.settings().seed);
  double loss = 0.0, ratio = 0.0;
  std::vector<Page::Row> rows;
  for (const char* model : kModels) {
    const FirstStep one = first_step(model, 1.0, batch, context.settings().seed),
                    ten = first_step(model, 10.0, batch, context.settings().seed);
    if (model == kModels[0]) loss = std::fabs(ten.loss - one.loss), ratio = ten.gradient / one.gradient;
    rows.push_back({model, fmt::format("{:.4f}", one.loss), fmt::format("{:.4g}", ten.loss),
                    fmt::format("{:.4g}", ten.gradient / one.gradient)});
    context.advance(1.0, model);
  }
  context.page.table(
      {context.say({"network", "网络"}), context.say({"loss at birth, scale 1", "出生时的损失，尺度 1"}),
       context.say({"scale 10", "尺度 10"}), context.say({"gradient at 10 over that at 1", "尺度 10 与 1 的梯度之比"})},
      rows);
  // BatchNorm's epsilon 1e-5 next to variances above 0.1: relative changes below 1e-4 a layer, seven layers.
  context.exact(
      {"With BatchNorm, convolutions times 10 give the same loss and a tenth of the gradient.",
       "有 BatchNorm 时，卷积权重乘以 10，损失不变，梯度变为十分之一。"},
      loss < 7e-4 * std::log(10.0) && std::fabs(10.0 * ratio - 1.0) < 7e-3,
      context.say({"loss differs by {:.1e}; gradient ratio {:.5f}", "损失相差 {:.1e}；梯度之比 {:.5f}"}, loss, ratio));
}

using Grid = std::vector<std::vector<double>>;  // [rate][scale], infinity: diverged

Grid final_losses(LessonContext& context, const Dataset& data, const char* model) {
  const int steps = context.pick(8, 200, 1000), seeds = context.pick(1, 1, 3);
  std::vector<Exercise> trials;
  for (const double rate : kRates)
    for (const double scale : kScales)
      for (int s = 0; s < seeds; ++s)
        trials.push_back({.model = model,
                          .scheme = scheme_of(scale),
                          .rate = rate,
                          .steps = steps,
                          .seed = context.settings().seed + static_cast<std::uint64_t>(s)});
  const std::vector<Exercised> runs = run_trials(context, data, trials);
  Grid grid(kRates.size(), std::vector<double>(kScales.size()));
  for (std::size_t i = 0; i < runs.size(); ++i)
    grid[i / static_cast<std::size_t>(seeds) / kScales.size()][i / static_cast<std::size_t>(seeds) % kScales.size()] +=
        runs[i].last_loss() / seeds;
  return grid;
}

HeatMap map_of(const LessonContext& context, const std::string& title, const Grid& grid) {
  HeatMap map{.title = title,
              .x_label = context.say({"scale of the convolutions' weights, 1 = He", "卷积权重的尺度，1 = He"}),
              .y_label = context.say({"learning rate", "学习率"}),
              .value_label = context.say({"last loss; empty: diverged or above 4", "最后损失；空白：发散或高于 4"}),
              .columns = {},
              .rows = {},
              .values = grid};
  for (const double s : kScales) map.columns.push_back(fmt::format("{:.2g}", s));
  for (const double r : kRates) map.rows.push_back(fmt::format("{:g}", r));
  for (std::vector<double>& row : map.values)
    for (double& v : row)
      if (!(v <= 4.0)) v = std::numeric_limits<double>::quiet_NaN();
  PlotSeries line{context.say({"rate / scale^2 the same", "学习率 / 尺度^2 相同"}),
                  {1.0, 3.0},
                  {1.0, 3.0},
                  {},
                  {}};  // one column is sqrt(10), one row 10
  line.reference = true;
  map.overlay = {line};
  return map;
}

constexpr double kWorst = 4.0;  // a loss above counts as this, a run that diverged too

std::vector<double> best_by_scale(const Grid& grid) {
  std::vector<double> best(kScales.size(), kWorst);
  for (const std::vector<double>& row : grid)
    for (std::size_t s = 0; s < row.size(); ++s) best[s] = std::min(best[s], row[s]);
  return best;
}

std::size_t best_rate(const Grid& grid, std::size_t scale) {
  std::size_t best = 0;
  for (std::size_t r = 1; r < grid.size(); ++r)
    if (grid[r][scale] < grid[best][scale]) best = r;
  return best;
}

double spread(const std::vector<double>& v) {
  return *std::max_element(v.begin(), v.end()) - *std::min_element(v.begin(), v.end());
}

// Mean difference of neighbours: `up` rows higher and one column to the right.
double neighbours(const Grid& grid, std::size_t up) {
  double sum = 0.0;
  int count = 0;
  for (std::size_t r = 0; r + 1 < grid.size(); ++r)
    for (std::size_t s = 0; s + 1 < grid[r].size(); ++s, ++count)
      sum += std::fabs(std::min(kWorst, grid[r][s]) - std::min(kWorst, grid[r + up][s + 1]));
  return sum / count;
}

void run(LessonContext& context) {
  context.plan(2.0 + 2.0 * static_cast<double>(kScales.size() * kRates.size()) * context.pick(1, 1, 3));
  const Dataset data = small_images(context, context.pick(256, 4000, 20000), 10, context.pick(8, 16, 32));
  at_birth(context, data);
  const Grid with = final_losses(context, data, kModels[0]), without = final_losses(context, data, kModels[1]);
  context.page.figure(map_of(context, context.say({"With BatchNorm", "有 BatchNorm"}), with));
  context.page.figure(map_of(context, context.say({"Without", "无"}), without));
  const std::vector<double> best_with = best_by_scale(with), best_without = best_by_scale(without);
  context.show(context.say({"best loss by scale, BatchNorm", "各尺度的最佳损失，BatchNorm"}), best_with,
               listed(best_with, "{:.2f}"));
  context.show(context.say({"best loss by scale, without", "各尺度的最佳损失，无归一化"}), best_without,
               listed(best_without, "{:.2f}"));
  context.outcome(
      {"With BatchNorm every scale has a rate that works: best losses of all scales within 0.3.",
       "有 BatchNorm 时，每个尺度都有合适的学习率：各尺度的最佳损失相差不到 0.3。"},
      spread(best_with) < 0.3,
      context.say({"spread {:.3f} over scales 0.1 to 10", "尺度 0.1 到 10 之间相差 {:.3f}"}, spread(best_with)));
  context.outcome({"Without BatchNorm the scale matters more, whatever the rate: a larger spread of the best losses.",
                   "无 BatchNorm 时，无论学习率如何，尺度更重要：最佳损失相差更大。"},
                  spread(best_without) > spread(best_with),
                  context.say({"{:.3f}, with BatchNorm {:.3f}; a loss above 4 counts as 4",
                               "{:.3f}，有 BatchNorm 时 {:.3f}；高于 4 的损失记为 4"},
                              spread(best_without), spread(best_with)));
  const double along = neighbours(with, 1), across = neighbours(with, 0);
  context.outcome(
      {"With BatchNorm, scale times s is like rate over s^2: losses change less along rate / scale^2 = const than "
       "along a constant rate.",
       "有 BatchNorm 时，尺度乘以 s 相当于学习率除以 s^2：沿 学习率/尺度^2 "
       "不变的方向，损失的变化小于沿学习率不变的方向。"},
      along < across,
      context.say({"mean change of a step {:.3f} and {:.3f}", "每格平均变化 {:.3f} 与 {:.3f}"}, along, across));
  const std::size_t usual = best_rate(with, 2), large = best_rate(with, 4);
  context.answer(large < usual ? 0u : large == usual ? 1u : 2u);
}

}  // namespace

Lesson bn_hides_init_lesson() {
  return {.name = "bn-hides-init",
          .title = {"BatchNorm turns the size of weights into a learning rate", "BatchNorm 把权重的大小变成学习率"},
          .question = {"Behind a BatchNorm the size of a weight does not change the function. Why does it still change "
                       "the training, and "
                       "what is left of the choice of an initialization?",
                       "BatchNorm 之前的权重有多大，并不改变函数。它为什么仍会改变训练？初始化的选择还剩下什么意义？"},
          .prompt = {"All convolutions start 10 times too large, in front of BatchNorm. Which of the rates 0.001, "
                     "0.01, ..., 10 is best then, compared with the usual size?",
                     "所有卷积的起始权重都大了 10 倍，后面有 BatchNorm。此时学习率 0.001、0.01、……、10 "
                     "中最好的与通常大小时相比如何？"},
          .choices = {{"smaller", "更小"}, {"the same", "一样"}, {"larger", "更大"}},
          .setup = {"plain-8-8 with and without BatchNorm on images made 16 x 16 small; five scales of the "
                    "convolutions' weights times five "
                    "rates, plain SGD without decay, the last loss of each.",
                    "plain-8-8，有、无 BatchNorm，图像缩小为 16 x 16；卷积权重的五种尺度乘五种学习率，普通 "
                    "SGD，无权重衰减，看每次的最后损失。"},
          .differs = {"Nobody has published this pair of maps. The classifier and BatchNorm's own parameters have the "
                      "same rate and are not "
                      "scaled, so that the equivalence is not exact; with weight decay 5e-4 the scale would be "
                      "forgotten in some 20,000 steps, "
                      "which do not run here.",
                      "没有人发表过这样一对图。分类层和 BatchNorm "
                      "自己的参数用同样的学习率而没有缩放，所以等价并不精确；若有 5e-4 的权重衰减，尺度"
                      "约在 20,000 步后被遗忘，这里没有跑那么久。"},
          .source = "van Laarhoven 2017 (1706.05350), section 2",
          .minutes = 0.5,
          .run = run};
}

}  // namespace fanin
