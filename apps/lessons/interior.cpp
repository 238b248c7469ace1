// SPDX-License-Identifier: MIT
#include "apps/lessons/interior.h"

#include "apps/lessons/exercise.h"
#include "core/check.h"
#include "core/rng.h"
#include "init/catalog.h"
#include "layers/activation.h"
#include "layers/conv.h"
#include "models/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

Tensor normal_images(const Shape& shape, double std, const Rng& rng) {
  Tensor images(shape);
  for (std::size_t i = 0; i < shape.size(); ++i) images.view().data[i] = static_cast<float>(std * rng.normal(i));
  return images;
}

double squares(const float* values, int count) {
  double sum = 0.0;
  for (int c = 0; c < count; ++c) sum += static_cast<double>(values[c]) * static_cast<double>(values[c]);
  return sum;
}

double interior_square(ConstView v, int rim) {
  double sum = 0.0;
  std::size_t pixel = 0, count = 0;
  for (int n = 0; n < v.shape.images; ++n)
    for (int y = 0; y < v.shape.height; ++y)
      for (int x = 0; x < v.shape.width; ++x, ++pixel)
        if (std::min({x, y, v.shape.width - 1 - x, v.shape.height - 1 - y}) >= rim) {
          sum += squares(v.pixel(pixel), v.shape.channels);
          ++count;
        }
  return sum / static_cast<double>(count) / v.shape.channels;
}

class Interior : public Observer {
 public:
  Interior(const InteriorPlan& plan, std::vector<OverSeeds>& found) : plan_(plan), found_(found) {}
  void value(std::string_view node, ConstView v) override {
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i)
      if (plan_.nodes[i] == node) found_[i].values.push_back(interior_square(v, plan_.rim));
  }

 private:
  const InteriorPlan& plan_;
  std::vector<OverSeeds>& found_;
};

// The sum of squared gradients of the first and the last convolution's output.
class Ends : public Observer {
 public:
  Ends(std::string first, std::string last) : first_(std::move(first)), last_(std::move(last)) {}
  void gradient(std::string_view node, ConstView v) override {
    if (node != first_ && node != last_) return;
    double& sum = node == first_ ? first : last;
    for (std::size_t p = 0; p < v.shape.pixels(); ++p) sum += squares(v.pixel(p), v.shape.channels);
  }
  double first = 0.0, last = 0.0;

 private:
  std::string first_, last_;
};

Network chain(const ChainPlan& plan) {
  Network net({0, plan.side, plan.side, plan.width});
  Node x = net.input();
  for (int i = 0; i <= plan.layers; ++i)
    x = conv(net, fmt::format("conv{}", i), activation(net, fmt::format("act{}", i), plan.act, x),
             {.out_channels = plan.width, .kernel = plan.kernel, .bias = true});
  net.prepare(x, 1);
  return net;
}

double growth_of(Network& net, const Scheme& scheme, const ChainPlan& plan, std::uint64_t seed) {
  const Shape shape{1, plan.side, plan.side, plan.width};
  const Tensor input = normal_images(shape, std::sqrt(plan.length), Rng::stream(seed, "lesson/image"));
  Tensor gradient(shape);
  fill(gradient.view(), 0.0f);
  const Rng rng = Rng::stream(seed, "lesson/gradient");
  const int centre = plan.side / 2 * plan.side + plan.side / 2;
  for (int c = 0; c < plan.width; ++c)
    gradient.view().data[static_cast<std::size_t>(centre * plan.width + c)] =
        static_cast<float>(rng.normal(static_cast<std::uint64_t>(c)));
  scheme.apply(net, {}, seed);
  Ends ends("conv0", fmt::format("conv{}", plan.layers));
  net.observe(&ends);
  net.forward(input.view(), Mode::train);
  net.backward(std::as_const(gradient).view());
  net.observe(nullptr);
  return ends.first / ends.last;
}

}  // namespace

// Seeds in a few parts, one network and one thread each; results in the order of seeds.
std::vector<OverSeeds> interior_squares(const InteriorPlan& plan) {
  const Shape image{plan.images, plan.side, plan.side, 3};
  const int parts = std::min(4, plan.seeds);
  std::vector<std::vector<OverSeeds>> found(static_cast<std::size_t>(parts), std::vector<OverSeeds>(plan.nodes.size()));
  in_parallel(parts, [&](int part) {
    Model model = build_model(plan.model, image.with_images(1), 10);
    model.network.prepare(model.logits, plan.images);
    const std::unique_ptr<Scheme> scheme = make_scheme(plan.scheme);
    Interior interior(plan, found[static_cast<std::size_t>(part)]);
    for (int i = plan.seeds * part / parts; i < plan.seeds * (part + 1) / parts; ++i) {
      const std::uint64_t seed = plan.seed + static_cast<std::uint64_t>(i);
      const Tensor images = normal_images(image, 1.0, Rng::stream(seed, "lesson/image"));
      scheme->apply(model.network, {}, seed);
      model.network.observe(&interior);
      model.network.forward(images.view(), Mode::train);
      model.network.observe(nullptr);
    }
  });
  std::vector<OverSeeds> all(plan.nodes.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const std::vector<OverSeeds>& part : found)
      all[i].values.insert(all[i].values.end(), part[i].values.begin(), part[i].values.end());
    FANIN_CHECK(!all[i].values.empty(), usage, "{} has no node '{}'", plan.model, plan.nodes[i]);
  }
  return all;
}

InteriorPlan ten_blocks(const std::string& options, const std::string& scheme, int seeds, std::uint64_t seed) {
  InteriorPlan plan{.model = "preresnet-62:block=basic,width=32" + options,
                    .scheme = scheme + ";layer2.*=zeros;layer3.*=zeros",  // nobody looks there
                    .nodes = {"conv1"}};
  for (int b = 0; b < 10; ++b) plan.nodes.push_back(fmt::format("layer1.{}.sum", b));
  plan.seeds = seeds;
  plan.seed = seed;
  return plan;
}

Doubling doubling(const std::vector<OverSeeds>& squares) {
  OverSeeds ratio;
  const double blocks = static_cast<double>(squares.size() - 1);
  for (std::size_t s = 0; s < squares.front().values.size(); ++s)
    ratio.values.push_back(squares.back().values[s] / squares.front().values[s]);
  return {ratio.mean(), std::log2(ratio.mean()) / blocks,
          ratio.standard_error() / ratio.mean() / std::log(2.0) / blocks};
}

OverSeeds gradient_growth(const ChainPlan& plan) {
  const std::string scheme = fmt::format("conv=variance_scaling:scale={};bias=normal:std={}", plan.weight_variance,
                                         std::sqrt(plan.bias_variance));
  const int parts = std::min(4, plan.seeds);
  OverSeeds growth;
  growth.values.resize(static_cast<std::size_t>(plan.seeds));
  in_parallel(parts, [&](int part) {
    Network net = chain(plan);
    const std::unique_ptr<Scheme> filling = make_scheme(scheme);
    for (int i = plan.seeds * part / parts; i < plan.seeds * (part + 1) / parts; ++i)
      growth.values[static_cast<std::size_t>(i)] =
          growth_of(net, *filling, plan, plan.seed + static_cast<std::uint64_t>(i));
  });
  return growth;
}

PerLayer per_layer(const OverSeeds& growth, int layers) {
  const double factor = std::pow(growth.mean(), 1.0 / layers);
  return {factor, factor * growth.standard_error() / growth.mean() / layers};
}

}  // namespace fanin
