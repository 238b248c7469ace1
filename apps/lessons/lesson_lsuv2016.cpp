// Unit variance, measured instead of computed.
// SPDX-License-Identifier: MIT
#include "apps/lessons/material.h"
#include "apps/lessons/numbers.h"
#include "apps/lessons/rows.h"
#include "apps/lessons/trials.h"

#include "init/layer_pass.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

namespace {

constexpr const char* kModel = "plain-10-16";
constexpr double kTolerance = 0.02;

KeptBatch normal_batch(int images, std::uint64_t seed) {
  KeptBatch batch{Tensor({images, 16, 16, 3}), std::vector<int>(static_cast<std::size_t>(images))};
  const Rng rng = Rng::stream(seed, "lesson/image");
  for (std::size_t i = 0; i < batch.images.shape().size(); ++i)
    batch.images.view().data[i] = static_cast<float>(rng.normal(i));
  return batch;
}

struct Off {
  double same = 0, fresh = 0;  // the largest |variance - 1| of a convolution's output
};

double furthest(Network& net, const KeptBatch& batch) {
  double off = 0.0;
  WatchedPasses passes(net, 1, [&](std::string_view node, ConstView v) {
    if (node.starts_with("conv")) off = std::max(off, std::fabs(output_moments(v).variance - 1.0));
  });
  passes.forward({batch.images.view(), batch.labels});
  return off;
}

// LSUV on `batch`, looked at on it and on others.
Off scaled_on(const KeptBatch& batch, const KeptBatch& fresh) {
  const std::unique_ptr<Session> session = session_on(kModel, fmt::format("lsuv:tolerance={}", kTolerance), batch, 10),
                                 other = session_on(kModel, "zeros", fresh, 10);
  session->initialize();
  other->initialize();
  Network &net = session->model.network, &copy = other->model.network;
  std::copy(net.values().begin(), net.values().end(), copy.values().begin());
  return {furthest(net, batch), furthest(copy, fresh)};
}

void variances(LessonContext& context, const Dataset& data) {
  const std::vector<int> sizes = {1, 8, 32, 128, 512};
  const KeptBatch fresh_normal = normal_batch(512, context.settings().seed + 1),
                  all = batch_of(data, 1024, context.settings().seed);
  const auto part = [&](int first, int count) {  // of the images; the last 512 are fresh
    KeptBatch b{Tensor(all.images.shape().with_images(count)),
                {all.labels.begin() + first, all.labels.begin() + first + count}};
    copy(all.images.view().images(first, count), b.images.view());
    return b;
  };
  const KeptBatch fresh_images = part(512, 512);
  PlotSeries normal{context.say({"Gaussian images", "高斯图像"}), {}, {}, {}, {}},
      images{context.say({"images", "图像"}), {}, {}, {}, {}},
      same{context.say({"the batch itself", "这一批本身"}), {}, {}, {}, {}};
  double worst_same = 0.0, worst_normal = 0.0, at_128 = 0.0;
  for (const int size : sizes) {
    const Off n = scaled_on(normal_batch(size, context.settings().seed), fresh_normal),
              i = scaled_on(part(0, size), fresh_images);
    for (PlotSeries* s : {&normal, &images, &same}) s->x.push_back(size);
    normal.y.push_back(n.fresh), images.y.push_back(i.fresh), same.y.push_back(std::max(n.same, i.same));
    worst_same = std::max(worst_same, same.y.back());
    if (size >= 128) worst_normal = std::max(worst_normal, n.fresh);
    if (size == 128) at_128 = i.fresh;
    context.advance(1.0, context.say({"batch of {}", "批大小 {}"}, size));
  }
  context.page.figure(
      Plot{.title = context.say({"How far a convolution's variance is from 1", "卷积输出方差与 1 的最大距离"}),
           .x_label = context.say({"images in LSUV's batch", "LSUV 所用批的图像数"}),
           .y_label = context.say({"largest |variance - 1| on 512 new images", "512 幅新图像上最大的 |方差 - 1|"}),
           .log_x = true,
           .log_y = true,
           .series = {normal, images, same}});
  context.show(context.say({"off by, batch 1 to 512", "偏差，批 1 到 512"}), images.y, listed(images.y, "{:.3f}"));
  context.exact({"After LSUV every convolution's output has variance 1 within the tolerance on the same batch.",
                 "LSUV 之后，在同一批上每个卷积输出的方差都在 1 的容差之内。"},
                worst_same <= kTolerance + 1e-5,
                context.say({"furthest {:.4f}, tolerance {}", "最远 {:.4f}，容差 {}"}, worst_same, kTolerance));
  context.exact({"On new Gaussian images it holds within 10 % for batches of 128 and more.",
                 "在新的高斯图像上，批不小于 128 时误差在 10 % 之内。"},
                worst_normal <= 0.1, context.say({"furthest {:.4f}", "最远 {:.4f}"}, worst_normal));
  context.outcome({"On new images of the data set it does so, too, for a batch of 128.",
                   "在数据集的新图像上，批为 128 时也是如此。"},
                  at_128 <= 0.1,
                  context.say({"furthest {:.4f}; with batches of 1, 8, 32, 128, 512: {}",
                               "最远 {:.4f}；批为 1、8、32、128、512 时：{}"},
                              at_128, listed(images.y)));
}

struct Start {
  const char *name, *scheme;
};
constexpr std::array<Start, 4> kStarts = {
    {{"LSUV", "lsuv"}, {"PyTorch default", "torch_default"}, {"He", "kaiming_normal"}, {"orthogonal", "orthogonal"}}};

void train(LessonContext& context, const Dataset& data, const std::vector<double>& rates) {
  const int steps = context.pick(10, 300, 780);
  std::vector<Exercise> trials;
  for (const Start& start : kStarts)
    for (const double rate : rates)
      trials.push_back({.model = "plain-18-16",
                        .scheme = start.scheme,
                        .rate = rate,
                        .momentum = 0.9,
                        .steps = steps,
                        .seed = context.settings().seed});
  const std::vector<Exercised> runs = run_trials(context, data, trials);
  Plot plot{
      .title = context.say({"17 convolutions without BatchNorm, best rate", "17 个卷积，无 BatchNorm，最好的学习率"}),
      .x_label = context.say({"step", "步"}),
      .y_label = context.say({"mean loss", "平均损失"}),
      .series = {}};
  std::vector<double> last;
  for (std::size_t i = 0; i < kStarts.size(); ++i) {
    const auto first = runs.begin() + static_cast<std::ptrdiff_t>(i * rates.size());
    const Exercised& best =
        *std::min_element(first, first + static_cast<std::ptrdiff_t>(rates.size()),
                          [](const Exercised& a, const Exercised& b) { return a.last_loss() < b.last_loss(); });
    last.push_back(best.last_loss());
    plot.series.push_back(smooth_series(kStarts[i].name, best.loss, std::max(1, steps / 30)));
    context.show(kStarts[i].name, plot.series.back().y, fmt::format("{:.3f}", last.back()));
  }
  context.page.figure(plot);
  const double bound = std::log(10.0) - 0.2;
  context.outcome({"Within the epoch LSUV comes below ln 10 - 0.2.", "LSUV 在一个周期之内低于 ln 10 - 0.2。"},
                  last[0] < bound,
                  context.say({"{:.3f}, bound {:.3f}, {} steps of 64 images", "{:.3f}，界 {:.3f}，{} 步，每步 64 幅"},
                              last[0], bound, steps));
  context.outcome(
      {"PyTorch's default does not.", "PyTorch 的默认初始化做不到。"}, !(last[1] < bound),
      context.say({"{:.3f}; He {:.3f}, orthogonal without scaling {:.3f}", "{:.3f}；He {:.3f}，不缩放的正交 {:.3f}"},
                  last[1], last[2], last[3]));
  context.answer(!(last[0] < bound) ? 2u : last[1] < bound ? 1u : 0u);
}

void run(LessonContext& context) {
  const std::vector<double> rates =
      context.settings().size == LessonSize::quick ? std::vector<double>{0.01} : std::vector<double>{0.005, 0.01, 0.02};
  context.plan(5.0 + static_cast<double>(kStarts.size() * rates.size()));
  const Dataset data = small_images(context, context.pick(1024, 20000, 50000), 10, 16);
  variances(context, data);
  train(context, data, rates);
}

}  // namespace

Lesson lsuv2016_lesson() {
  return {
      .name = "lsuv2016",
      .title = {"Unit variance by measuring it", "用测量得到单位方差"},
      .question = {"LSUV passes a batch through the network and divides each layer's weights until its output has "
                   "variance 1. How large must "
                   "the batch be, and does a plain deep network without BatchNorm then train?",
                   "LSUV 让一批图像通过网络，逐层除以标准差，直到输出方差为 1。这一批要有多大？没有 BatchNorm "
                   "的普通深网络这样就能训练吗？"},
      .prompt =
          {"A plain ReLU network of 17 convolutions, no BatchNorm, 300 steps of 64 images, the best of three rates. "
           "Which start has learned "
           "something?",
           "17 个卷积的普通 ReLU 网络，无 BatchNorm，300 步，每步 64 幅图像，三种学习率中最好的。哪种起点学到了东西？"},
      .choices = {{"LSUV, not PyTorch's default", "LSUV 可以，PyTorch 默认不行"},
                  {"both", "两者都可以"},
                  {"LSUV does not", "LSUV 不行"}},
      .setup = {"plain-10-16 scaled on batches of 1 to 512 images and looked at on 512 others, Gaussian and of the "
                "data set; then plain-18-16 on images made "
                "16 x 16 small, SGD with momentum 0.9, four starts at three rates.",
                "plain-10-16，用 1 到 512 幅图像的批作缩放，再在另外 512 "
                "幅上观察，图像分高斯的和数据集的；然后在缩小为 16 x 16 的图像上训练 plain-18-16，"
                "动量 0.9 的 SGD，四种起点，三种学习率。"},
      .differs = {"The paper trains FitNets and maxout networks to the end on CIFAR-10. Here an epoch is 20,000 small "
                  "images, and only the beginning counts. "
                  "The classifier is left out of the variances: behind the average over an image it sees nearly the "
                  "same for all images, so that few "
                  "images say little about it.",
                  "论文在 CIFAR-10 上把 FitNet 和 maxout 网络训练到底。这里一个周期是 20,000 "
                  "幅小图像，只看开头。方差不包括分类层：对整幅图像取平均之后，"
                  "各图像给它的输入几乎相同，少量图像说明不了什么。"},
      .source = "Mishkin & Matas 2016 (1511.06422), algorithm 1 and table 4",
      .minutes = 1.0,
      .run = run};
}

}  // namespace fanin
