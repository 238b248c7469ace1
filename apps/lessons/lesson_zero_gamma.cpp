// A residual branch that starts at 0, at learning rates that are too high.
// SPDX-License-Identifier: MIT
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/rows.h"
#include "apps/lessons/trials.h"

#include "apps/study/statistics.h"
#include "init/residual.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

namespace {

constexpr const char* kModel = "resnext-20-4x8d:widen=1";
struct Start {
  const char *name, *scheme;
};
constexpr std::array<Start, 2> kStarts = {{{"gamma = 1", "kaiming_normal:mode=fan_out;linear=torch_default"},
                                           {"zero gamma", "zero_gamma;linear=torch_default"}}};

double addition(const Dataset& data, const char* scheme, std::uint64_t seed) {
  const KeptBatch batch = batch_of(data, 32, seed);
  const std::unique_ptr<Session> session = session_on(kModel, scheme, batch, data.classes());
  session->initialize();
  Network& net = session->model.network;
  return largest_addition(net, residual_branches(net), {batch.images.view(), batch.labels}, seed);
}

// A run failed if a loss was not finite, or if at the end it is no better than knowing nothing.
bool failed(const Exercised& run) { return run.diverged || run.last_loss() > std::log(10.0) - 0.05; }

void run(LessonContext& context) {
  const int seeds = context.pick(2, 4, 10), steps = context.pick(10, 120, 600);
  const std::vector<double> rates = {0.1, 0.4, 1.6};
  context.plan(2.0 + 2.0 * seeds * static_cast<double>(rates.size()));
  const Dataset data = small_images(context, context.pick(256, 4000, 20000), 10, 8);

  std::array<double, 2> adds{};
  for (std::size_t i = 0; i < 2; ++i) {
    adds[i] = addition(data, kStarts[i].scheme, context.settings().seed);
    context.advance(1.0, kStarts[i].name);
  }
  context.exact(
      {"At birth every block is exactly its shortcut: its branch adds 0.",
       "出生时每个块恰好等于它的捷径：分支加上的是 0。"},
      adds[1] == 0.0 && adds[0] > 0.0,
      context.say({"largest addition {:g}; {:.2f} with gamma = 1", "分支加上的最大值 {:g}；gamma = 1 时为 {:.2f}"},
                  adds[1], adds[0]));

  std::vector<Exercise> trials;
  for (const double rate : rates)
    for (const Start& start : kStarts)
      for (int s = 0; s < seeds; ++s)
        trials.push_back({.model = kModel,
                          .scheme = start.scheme,
                          .rate = rate,
                          .momentum = 0.9,
                          .steps = steps,
                          .seed = context.settings().seed + static_cast<std::uint64_t>(s)});
  const std::vector<Exercised> runs = run_trials(context, data, trials);
  Plot plot{.title = context.say({"Training loss at rate 0.4, every seed", "学习率 0.4 时的训练损失，每个种子"}),
            .x_label = context.say({"step", "步"}),
            .y_label = context.say({"mean loss", "平均损失"}),
            .series = {}};
  std::vector<Page::Row> rows;
  std::vector<std::array<std::vector<double>, 2>> early(rates.size());
  std::vector<std::array<int, 2>> fails(rates.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::size_t s = i % static_cast<std::size_t>(seeds), start = i / static_cast<std::size_t>(seeds) % 2,
                      rate = i / (2 * static_cast<std::size_t>(seeds));
    fails[rate][start] += failed(runs[i]);
    // In a run that diverged the rest counts as ln 10, what a reset network would pay.
    const double finite = runs[i].loss.empty() ? 0.0 : mean(runs[i].loss) * static_cast<double>(runs[i].loss.size());
    early[rate][start].push_back(
        (finite + std::log(10.0) * static_cast<double>(steps - static_cast<int>(runs[i].loss.size()))) / steps);
    if (rate == 1) {
      plot.series.push_back(
          smooth_series(fmt::format("{}, {}", kStarts[start].name, s + 1), runs[i].loss, std::max(1, steps / 20)));
      plot.series.back().group = kStarts[start].name;
    }
  }
  std::vector<IntervalRow> intervals;
  for (std::size_t r = 0; r < rates.size(); ++r) {
    intervals.push_back(paired_row(fmt::format("lr {}", rates[r]), early[r][1], early[r][0]));
    rows.push_back({fmt::format("{}", rates[r]), fmt::format("{}/{}", fails[r][0], seeds),
                    fmt::format("{}/{}", fails[r][1], seeds), fmt::format("{:.3f}", mean(early[r][0])),
                    fmt::format("{:.3f}", mean(early[r][1]))});
  }
  context.page.figure(plot);
  context.page.table({context.say({"rate", "学习率"}), context.say({"failed, gamma = 1", "失败，gamma = 1"}),
                      context.say({"failed, zero gamma", "失败，zero gamma"}),
                      context.say({"mean loss, gamma = 1", "平均损失，gamma = 1"}),
                      context.say({"mean loss, zero gamma", "平均损失，zero gamma"})},
                     rows);
  context.page.intervals(context.say({"Mean loss of the first steps, zero gamma - gamma = 1",
                                      "最初若干步的平均损失，zero gamma 减 gamma = 1"}),
                         context.say({"difference, 95 % interval", "差值，95 % 区间"}), intervals);
  context.show("gamma = 1", plot.series.front().y,
               context.say({"loss at rate 0.4, first seed", "学习率 0.4 时的损失，第一个种子"}));
  context.show("zero gamma", plot.series.back().y, context.say({"last seed", "最后一个种子"}));
  context.outcome(
      {"At rate 0.4 fewer runs fail with zero gamma.", "学习率 0.4 时，zero gamma 失败的次数更少。"},
      fails[1][1] < fails[1][0],
      context.say({"{} of {} against {} of {}", "{} / {}，对比 {} / {}"}, fails[1][1], seeds, fails[1][0], seeds));
  context.outcome({"At rate 0.4 the mean loss of the first steps is lower with zero gamma.",
                   "学习率 0.4 时，zero gamma 最初若干步的平均损失更低。"},
                  intervals[1].has_interval && intervals[1].high < 0.0, paired_text(context, intervals[1]));
  context.outcome(
      {"At rate 0.1 there is still a difference of the first steps.", "学习率 0.1 时，最初若干步仍有差别。"},
      differs(intervals[0]), paired_text(context, intervals[0]));
  context.answer(fails[1][1] < fails[1][0] ? 0u : fails[1][1] == fails[1][0] ? 1u : 2u);
}

}  // namespace

Lesson zero_gamma_lesson() {
  return {.name = "zero-gamma",
          .title = {"Branches that start at 0", "从 0 开始的分支"},
          .question = {"Goyal et al. start the last BatchNorm scale of each residual branch at 0, so that the network "
                       "begins as its "
                       "shortcuts, and say that it helps at the start of large-batch training. Is that so at learning "
                       "rates that are "
                       "too high?",
                       "Goyal 等人让每个残差分支最后一个 BatchNorm 的缩放从 0 "
                       "开始，网络因此从捷径开始，他们说这有助于大批量训练的开头。"
                       "在过高的学习率下也是这样吗？"},
          .prompt = {"A ResNeXt-20 at learning rate 0.4 with momentum 0.9. In which case do more seeds fail to learn "
                     "within some hundred "
                     "steps?",
                     "ResNeXt-20，学习率 0.4，动量 0.9。哪一种情况下，几百步内学不会的种子更多？"},
          .choices = {{"with gamma = 1", "gamma = 1"}, {"equally many", "一样多"}, {"with zero gamma", "zero gamma"}},
          .setup = {"resnext-20-4x8d (widen=1) on images made 8 x 8 small, batch 64, constant rates 0.1, 0.4 and 1.6, "
                    "no warm-up; four "
                    "seeds of each start, paired. A run fails if it diverges or ends above ln 10 - 0.05.",
                    "resnext-20-4x8d（widen=1），图像缩小为 8 x 8，批大小 64，恒定学习率 0.1、0.4 和 "
                    "1.6，无预热；每种起点四个种子，配对。"
                    "发散或最后高于 ln 10 - 0.05 算失败。"},
          .differs = {"Goyal et al. train ResNet-50 on ImageNet with batches of 8192 and warm-up; the gain they and "
                      "torchvision report is a "
                      "few tenths of a point in the end. Here it is about the first steps only.",
                      "Goyal 等人在 ImageNet 上用 8192 的批大小和预热训练 ResNet-50；他们和 torchvision "
                      "报告的收益是最后的零点几个百分点。"
                      "这里只看最初若干步。"},
          .source = "Goyal et al. 2017 (1706.02677), section 5.1",
          .minutes = 0.7,
          .run = run};
}

}  // namespace fanin
