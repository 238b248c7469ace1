// SPDX-License-Identifier: MIT
#include "apps/lessons/schoenholz2017_training.h"

#include "apps/lessons/exercise.h"
#include "apps/lessons/material.h"

#include "init/mean_field.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

constexpr double kBias = 0.05;

struct Grid {
  std::vector<int> depths;        // rows, from the shallowest
  std::vector<double> variances;  // columns
  int width = 100, steps = 200;
};

Grid grid_of(const LessonContext& context) {
  if (context.settings().size == LessonSize::quick) return {{3, 6}, {1.2, 1.76}, 20, 20};
  if (context.settings().size == LessonSize::full)
    return {{10, 15, 20, 30, 45, 70, 100, 150, 220, 300},
            {1.0, 1.2, 1.35, 1.5, 1.6, 1.76, 1.9, 2.0, 2.25, 2.5, 3.0, 4.0},
            300,
            600};
  return {{8, 12, 18, 27, 40, 60, 90, 130}, {1.0, 1.2, 1.5, 1.76, 2.0, 2.5, 3.0, 4.0}, 100, 200};
}

// Place of a depth on the axis of rows, between them in the logarithm; NaN outside.
double row_of(const Grid& grid, double depth) {
  for (std::size_t r = 0; r + 1 < grid.depths.size(); ++r) {
    const double low = grid.depths[r], high = grid.depths[r + 1];
    if (low <= depth && depth <= high) return static_cast<double>(r) + std::log(depth / low) / std::log(high / low);
  }
  return NAN;
}

double xi_of(double variance) {
  const MeanField field("tanh", variance, kBias);
  return field.correlation_depth(*field.fixed_length());
}

// The depth at which accuracy falls below one half, between rows in proportion; infinity if it never does.
double falls_at(const Grid& grid, const std::vector<std::vector<double>>& accuracy, std::size_t column) {
  for (std::size_t r = 0; r < grid.depths.size(); ++r) {
    const double now = accuracy[r][column];
    if (now >= 0.5) continue;
    if (r == 0) return grid.depths[0];
    const double before = accuracy[r - 1][column], share = (before - 0.5) / (before - now);
    return grid.depths[r - 1] + share * (grid.depths[r] - grid.depths[r - 1]);
  }
  return INFINITY;
}

}  // namespace

double schoenholz_training_units(const LessonContext& context) {
  const Grid grid = grid_of(context);
  double layers = 0.0;
  for (const int depth : grid.depths) layers += depth;
  return 0.05 * layers * static_cast<double>(grid.variances.size());
}

void schoenholz_training(LessonContext& context) {
  const Grid grid = grid_of(context);
  const Dataset data = clusters(320, 10, 8, 0.5, context.settings().seed);
  const std::size_t columns = grid.variances.size(), cells = columns * grid.depths.size();
  std::vector<std::vector<double>> accuracy(grid.depths.size(), std::vector<double>(columns));
  in_parallel(
      static_cast<int>(cells),
      [&](int i) {  // the deepest first, since they take longest
        const std::size_t k = cells - 1 - static_cast<std::size_t>(i), r = k / columns, c = k % columns;
        const Exercised run = exercise(
            data,
            {.model = fmt::format("mlp-{}-{}:act=tanh", grid.depths[r], grid.width),
             .scheme = fmt::format("linear=variance_scaling:scale={},mode=fan_in;linear_bias=normal:mean=0,std={:.8f}",
                                   grid.variances[c], std::sqrt(kBias)),
             .rate = 0.01,
             .batch = 20,
             .steps = grid.steps,
             .seed = context.settings().seed});
        accuracy[r][c] = run.last_accuracy(16);
      },
      [&](int i) {
        context.advance(0.05 * grid.depths[(cells - 1 - static_cast<std::size_t>(i)) / columns],
                        context.say({"trainability", "可训练性"}));
      });

  HeatMap map{context.say({"Training accuracy after {} steps", "{} 步后的训练准确率"}, grid.steps),
              context.say({"weight variance", "权重方差"}),
              context.say({"hidden layers", "隐藏层数"}),
              context.say({"accuracy", "准确率"}),
              {},
              {},
              accuracy,
              {}};
  for (const double v : grid.variances) map.columns.push_back(fmt::format("{}", v));
  for (const int d : grid.depths) map.rows.push_back(fmt::format("{}", d));
  for (const double multiple : {3.0, 6.0, 12.0}) {
    PlotSeries line{fmt::format("{:g} xi", multiple), {}, {}, {}, {}};
    for (std::size_t c = 0; c < columns; ++c) {
      line.x.push_back(static_cast<double>(c));
      line.y.push_back(row_of(grid, multiple * xi_of(grid.variances[c])));
    }
    map.overlay.push_back(line);
  }
  context.page.figure(map);

  std::vector<std::vector<std::string>> rows;
  std::string numbers;
  bool all = true, steps_limit = false;
  const double deepest = grid.depths.back();
  for (const double v : {1.2, 1.5, 1.76, 2.0, 2.5}) {
    const auto found = std::find(grid.variances.begin(), grid.variances.end(), v);
    if (found == grid.variances.end()) continue;
    const std::size_t c = static_cast<std::size_t>(found - grid.variances.begin());
    const double xi = xi_of(v), depth = falls_at(grid, accuracy, c);
    // Where it does not fall within the grid, it must not have to: 12 xi lies beyond the grid.
    const bool held = std::isinf(depth) ? 12.0 * xi >= deepest : 3.0 * xi <= depth && depth <= 12.0 * xi;
    all = all && held;
    steps_limit = steps_limit || depth < 3.0 * xi;
    const std::string at = std::isinf(depth) ? fmt::format("> {:.0f}", deepest) : fmt::format("{:.0f}", depth);
    numbers += fmt::format("{}{}: {} ({:.3g} xi)", numbers.empty() ? "" : ", ", v, at,
                           (std::isinf(depth) ? deepest : depth) / xi);
    rows.push_back({fmt::format("{}", v), fmt::format("{:.4g}", xi), at, fmt::format("{:.3g}", 3.0 * xi),
                    fmt::format("{:.3g}", 12.0 * xi)});
    if (v == 1.2) context.answer(depth < 3.0 * xi ? 0u : depth <= 12.0 * xi ? 1u : 2u);
  }
  context.page.table(
      {map.x_label, "xi", context.say({"accuracy falls below 50 % at depth", "准确率降到 50 % 以下的深度"}), "3 xi",
       "12 xi"},
      rows);
  for (std::size_t r = 0; r < grid.depths.size(); ++r)
    context.show(context.say({"depth {}", "深度 {}"}, grid.depths[r]), accuracy[r],
                 context.say({"accuracy, weight variance {} to {}", "准确率，权重方差 {} 到 {}"},
                             grid.variances.front(), grid.variances.back()));
  if (steps_limit)
    context.page.paragraph(
        context.say({"Where xi is very long, as at the critical point, accuracy falls before 3 xi: in so few steps "
                     "something else limits the depth. In "
                     "the paper, too, the boundary moves outward with more steps.",
                     "在 xi 很长的地方（如临界点），准确率在 3 xi "
                     "之前就下降：步数这样少时，限制深度的是别的因素。原文中步数越多，边界也越往外移。"}));
  context.outcome({"The depth at which accuracy falls below 50 % lies between 3 and 12 xi, for weight variances 1.2, "
                   "1.5, 1.76, 2 and 2.5.",
                   "准确率降到 50 % 以下的深度在 3 到 12 个 xi 之间（权重方差 1.2、1.5、1.76、2、2.5）。"},
                  all, context.say({"weight variance: depth: {}", "权重方差：深度：{}"}, numbers));
}

}  // namespace fanin
