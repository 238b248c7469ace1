// SPDX-License-Identifier: MIT
#include "apps/lessons/saxe2014_training.h"

#include "apps/lessons/exercise.h"
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

namespace {

constexpr double kTarget = 0.2;  // training loss; ln 10 is the start
constexpr int kWindow = 5;

struct Start {
  Text name;
  const char* scheme;
};
constexpr std::array<Start, 2> kStarts = {{{{"Gaussian, Var 1/n", "高斯，方差 1/n"}, "lecun_normal"},
                                           {{"orthogonal", "正交"}, "orthogonal;fc.weight=lecun_normal"}}};

std::vector<int> depths(const LessonContext& context) {
  if (context.settings().size == LessonSize::quick) return {2, 4};
  if (context.settings().size == LessonSize::full) return {3, 5, 10, 20, 50, 100};
  return {5, 10, 20, 50};
}

// The same for every depth, highest first: a run that is slower than the best so far need not end.
std::vector<double> rates() {
  std::vector<double> result;
  for (int i = 0; i < 34; ++i) result.push_back(2.0 * std::pow(1.25, -i));  // down to 0.0013
  return result;
}

struct Best {
  double steps = INFINITY, rate = NAN;
};

Best fastest(const Dataset& data, const Start& start, int depth, int most, std::uint64_t seed) {
  Best best;
  for (const double rate : rates()) {
    const int limit = std::isfinite(best.steps) ? static_cast<int>(best.steps) : most;
    const Exercised run = exercise(data, {.model = fmt::format("mlp-{}-64:act=identity", depth - 1),
                                          .scheme = start.scheme,
                                          .rate = rate,
                                          .batch = 100,
                                          .steps = limit,
                                          .seed = seed,
                                          .stop_below = kTarget,
                                          .window = kWindow,
                                          .stop_above = 30.0});
    const std::optional<int> steps = run.steps_to(kTarget, kWindow);
    if (steps && *steps < best.steps) best = {static_cast<double>(*steps), rate};
  }
  return best;
}

}  // namespace

double saxe_training_units(const LessonContext& context) {
  double units = 0.0;
  for (const int depth : depths(context)) units += 2.0 * depth;
  return units;
}

void saxe_training(LessonContext& context) {
  const Dataset data = clusters(context.pick(200, 2000, 10000), 10, 8, 0.9, context.settings().seed);
  const std::vector<int> all = depths(context);
  const int most = context.pick(60, 600, 3000);
  std::vector<Best> best(all.size() * 2);
  in_parallel(
      static_cast<int>(best.size()),
      [&](int i) {  // the deepest first, since they take longest
        const std::size_t k = best.size() - 1 - static_cast<std::size_t>(i);
        best[k] = fastest(data, kStarts[k % 2], all[k / 2], most, context.settings().seed);
      },
      [&](int i) {
        context.advance(all[(best.size() - 1 - static_cast<std::size_t>(i)) / 2], context.say({"training", "训练"}));
      });
  Plot time{.title = context.say({"Learning time at the best learning rate", "最佳学习率下的学习时间"}),
            .x_label = context.say({"layers", "层数"}),
            .y_label = context.say({"steps to a loss of 0.2", "达到损失 0.2 的步数"}),
            .log_x = true,
            .log_y = true,
            .series = {}},
      rate{.title = context.say({"Best learning rate", "最佳学习率"}),
           .x_label = time.x_label,
           .y_label = context.say({"learning rate", "学习率"}),
           .log_x = true,
           .log_y = true,
           .series = {}};
  std::vector<std::vector<std::string>> rows;
  for (std::size_t s = 0; s < 2; ++s) {
    PlotSeries steps{context.say(kStarts[s].name), {}, {}, {}, {}}, rates_of = steps;
    for (std::size_t d = 0; d < all.size(); ++d) {
      const Best& b = best[2 * d + s];
      steps.x.push_back(all[d]);
      steps.y.push_back(std::isfinite(b.steps) ? b.steps : NAN);
      rates_of.x.push_back(all[d]);
      rates_of.y.push_back(b.rate);
      rows.push_back(
          {steps.name, fmt::format("{}", all[d]),
           std::isfinite(b.steps) ? fmt::format("{:.0f}", b.steps) : context.say({"more than {}", "多于 {}"}, most),
           std::isfinite(b.rate) ? fmt::format("{:.4f}", b.rate) : "-"});
    }
    time.series.push_back(steps);
    rate.series.push_back(rates_of);
    context.show(context.say({"{}: steps", "{}：步数"}, steps.name), steps.y,
                 context.say({"{} to {} layers", "{} 到 {} 层"}, all.front(), all.back()));
  }
  context.page.figure(time);
  context.page.figure(rate);
  context.page.table({context.say({"weights", "权重"}), time.x_label, context.say({"steps", "步数"}), rate.y_label},
                     rows);
  const std::size_t shallow = 0, deep = all.size() - 1;
  const auto ratio = [&](std::size_t s) { return best[2 * deep + s].steps / best[2 * shallow + s].steps; };
  const std::string from_to = fmt::format("{} / {}", all[deep], all[shallow]);
  const auto text = [&](double r) {
    return std::isfinite(r) ? fmt::format("{:.2f}", r) : context.say({"no end within {} steps", "{} 步内未达到"}, most);
  };
  context.outcome({"Orthogonal: the deepest network learns in less than 1.5 times the steps of the shallowest.",
                   "正交：最深的网络所需步数不到最浅的 1.5 倍。"},
                  ratio(1) < 1.5,
                  context.say({"steps at {} layers: {}", "{} 层的步数比：{}"}, from_to, text(ratio(1))));
  context.outcome({"Gaussian: it takes more than 3 times the steps.", "高斯：所需步数超过 3 倍。"}, ratio(0) > 3.0,
                  context.say({"steps at {} layers: {}", "{} 层的步数比：{}"}, from_to, text(ratio(0))));
  std::vector<double> log_depth, log_rate;
  for (std::size_t d = 0; d < all.size(); ++d)
    if (std::isfinite(best[2 * d + 1].rate)) {
      log_depth.push_back(std::log(all[d]));
      log_rate.push_back(std::log(best[2 * d + 1].rate));
    }
  const double slope = slope_of(log_depth, log_rate);
  context.outcome({"The best learning rate of orthogonal networks falls like 1 / depth: log-log slope -1 +- .3.",
                   "正交网络的最佳学习率按 1/深度 下降：双对数斜率 -1 +- .3。"},
                  std::fabs(slope + 1.0) <= 0.3,
                  context.say({"slope {:.2f} over {} depths", "斜率 {:.2f}，{} 个深度"}, slope, log_depth.size()));
  context.answer(ratio(1) < 1.5 ? 0u : ratio(1) < 3.0 ? 1u : 2u);
}

}  // namespace fanin
