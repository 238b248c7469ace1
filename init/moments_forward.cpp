// SPDX-License-Identifier: MIT
#include "init/moments_forward.h"

#include "init/moment_blocks.h"
#include "init/moment_windows.h"
#include "init/sign_symmetry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace fanin {

namespace {

using Values = std::vector<double>;
using Kind = Traits::Kind;

MomentMap map_of(Values v) { return std::make_shared<const Values>(std::move(v)); }
MomentMap constant_map(const Shape& shape, double value) { return map_of(Values(shape.pixels(), value)); }

template <class Function>
MomentMap transformed(const MomentMap& a, const MomentMap& b, Function&& f) {
  Values result(a->size());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = f((*a)[i], (*b)[i]);
  return map_of(std::move(result));
}

ChannelBlock activated(const ChannelBlock& x, const Traits& t) {
  const ActivationOfBlock f(x, t);
  ChannelBlock y{x.channels, map_of(f.map(GaussianActivation::What::square)),
                 map_of(f.map(GaussianActivation::What::mean)), 0.0};
  y.shared = f.shared();
  return y;
}

class Forward {
 public:
  Forward(GraphMoments& graph, const SignSymmetry& signs, PoolPixels pixels)
      : graph_(graph), signs_(signs), pixels_(pixels) {}

  NodeMoments of(std::size_t node) const {
    const NodeSummary& row = graph_.nodes[node];
    const std::vector<std::size_t>& inputs = graph_.inputs[node];
    const NodeMoments& x = graph_.values[inputs[0]];
    const LayerLaw& law = graph_.laws[node];
    NodeMoments y{.known = true, .reason = {}, .shape = row.output.with_images(x.shape.images), .blocks = {}};
    if (row.traits.kind == Kind::batch_norm) return normalized(x, row.traits, law, std::move(y));
    for (const std::size_t input : inputs)
      if (!graph_.values[input].known) return unknown(std::move(y), graph_.values[input].reason);
    switch (row.traits.kind) {
      case Kind::conv:
      case Kind::linear:
        if (!law.centred) return unknown(std::move(y), fmt::format("the weights of {} are not centred", row.name));
        y.blocks = weighted(x, row, law);
        return y;
      case Kind::activation:
        for (const ChannelBlock& b : x.blocks) y.blocks.push_back(activated(b, row.traits));
        return y;
      case Kind::sum: return summed(node, std::move(y));
      case Kind::concat:
        for (const std::size_t input : inputs)
          for (const ChannelBlock& b : graph_.values[input].blocks) y.blocks.push_back(b);
        return y;
      case Kind::average_pool:
      case Kind::global_average:
        for (const ChannelBlock& b : x.blocks) y.blocks.push_back(pooled(b, x.shape, y.shape, row.traits));
        return y;
      case Kind::flatten:
        for (const ChannelBlock& b : x.blocks) y.blocks.push_back(flattened(b, x.shape, y.shape, row.traits));
        return y;
      case Kind::pad_channels:
        y.blocks = x.blocks;
        y.blocks.push_back(
            {y.shape.channels - x.shape.channels, constant_map(x.shape, 0), constant_map(x.shape, 0), 0});
        return y;
      case Kind::dropout: return scaled(x, std::move(y), 1.0 / (1.0 - row.traits.number), 1.0);
      case Kind::scalar_multiplier: return scaled(x, std::move(y), law.scale_square, std::sqrt(law.scale_square));
      case Kind::scalar_bias: return shifted(x, std::move(y), law);
      default: return unknown(std::move(y), fmt::format("{} is not predicted", row.description));
    }
  }

 private:
  static NodeMoments unknown(NodeMoments y, std::string reason) {
    y.known = false;
    y.reason = std::move(reason);
    return y;
  }

  static std::vector<ChannelBlock> weighted(const NodeMoments& x, const NodeSummary& row, const LayerLaw& law) {
    const Window window = window_of(row.traits, x.shape);
    const Shape to = row.output.with_images(x.shape.images);
    std::vector<ChannelBlock> result;
    // One block of inputs is the same for every group.
    const int groups = x.blocks.size() == 1 ? 1 : row.traits.groups;
    const int in = x.shape.channels / row.traits.groups;
    for (int g = 0; g < groups; ++g) {
      Values squares(x.shape.pixels());
      double shared = 0.0;
      for_overlaps(x.blocks, g * in, in, [&](std::size_t b, int channels) {
        for (std::size_t p = 0; p < squares.size(); ++p) squares[p] += channels * (*x.blocks[b].square)[p];
        shared += channels * x.blocks[b].shared;
      });
      Values y = gather(window, squares, x.shape, to);
      for (double& v : y) v = law.variance * v + law.shift_square;
      result.push_back({row.output.channels / groups, map_of(std::move(y)), constant_map(to, law.shift_mean),
                        law.variance * shared_coverage(window, x.shape, to) * shared + law.shift_square});
    }
    return result;
  }

  NodeMoments summed(std::size_t node, NodeMoments y) const {
    const std::size_t ia = graph_.inputs[node][0], ib = graph_.inputs[node][1];
    const NodeMoments &a = graph_.values[ia], &b = graph_.values[ib];
    if (!signs_.uncorrelated(ia, ib))
      return unknown(std::move(y), fmt::format("the operands of {} are correlated", graph_.nodes[node].name));
    for_common_blocks(a.blocks, b.blocks, [&](std::size_t i, std::size_t j, int channels) {
      const ChannelBlock &p = a.blocks[i], &q = b.blocks[j];
      y.blocks.push_back({channels, transformed(p.square, q.square, std::plus<>()),
                          transformed(p.mean, q.mean, std::plus<>()), p.shared + q.shared});
    });
    return y;
  }

  ChannelBlock pooled(const ChannelBlock& x, const Shape& from, const Shape& to, const Traits& t) const {
    const Window window = window_of(t, from);
    Values roots(x.square->size()), own = roots;
    for (std::size_t i = 0; i < roots.size(); ++i) {
      roots[i] = std::sqrt((*x.square)[i]);
      own[i] = std::max(0.0, (*x.square)[i] - x.shared);
    }
    Values square = gather(window, roots, from, to, 1);
    for (double& v : square) v *= v;
    if (pixels_ == PoolPixels::independent) {
      const Values apart = gather(window, own, from, to, 2);
      for (std::size_t i = 0; i < square.size(); ++i) square[i] = std::min(square[i], x.shared + apart[i]);
    }
    return {x.channels, map_of(std::move(square)), map_of(gather(window, *x.mean, from, to, 1)), x.shared};
  }

  // All pixels of a channel become channels, each with the mean over images of one place.
  static ChannelBlock flattened(const ChannelBlock& x, const Shape& from, const Shape& to, const Traits& t) {
    const Window all = window_of(t, from);
    const std::size_t places = from.with_images(1).pixels();
    double shared = 0.0;
    for (std::size_t p = 0; p < places; ++p) {
      double mean = 0.0;
      for (std::size_t i = p; i < x.mean->size(); i += places) mean += (*x.mean)[i] / from.images;
      shared += mean * mean / static_cast<double>(places);
    }
    return {x.channels * from.height * from.width, map_of(gather(all, *x.square, from, to, 1)),
            map_of(gather(all, *x.mean, from, to, 1)), std::max(shared, x.shared)};
  }

  static NodeMoments scaled(const NodeMoments& x, NodeMoments y, double square, double mean) {
    for (const ChannelBlock& b : x.blocks)
      y.blocks.push_back({b.channels, transformed(b.square, b.square, [&](double s, double) { return square * s; }),
                          transformed(b.mean, b.mean, [&](double m, double) { return mean * m; }), square * b.shared});
    return y;
  }

  static NodeMoments shifted(const NodeMoments& x, NodeMoments y, const LayerLaw& law) {
    const double shift = law.shift_mean;
    for (const ChannelBlock& b : x.blocks)
      y.blocks.push_back(
          {b.channels, transformed(b.square, b.mean, [&](double s, double m) { return s + shift * (2 * m + shift); }),
           transformed(b.mean, b.mean, [&](double m, double) { return m + shift; }),
           b.shared + shift * (2 * average(*b.mean) + shift)});
    return y;
  }

  static NodeMoments normalized(const NodeMoments& x, const Traits& t, const LayerLaw& law, NodeMoments y) {
    const double shift_square = law.shift_square;
    if (!x.known) {  // whatever came in
      y.blocks = {{y.shape.channels, constant_map(y.shape, law.scale_square + shift_square),
                   constant_map(y.shape, law.shift_mean), shift_square}};
      return y;
    }
    for (const ChannelBlock& b : x.blocks) {
      const double factor = law.scale_square / (variance(b) + t.number);
      y.blocks.push_back(
          {b.channels,
           transformed(b.square, b.square,
                       [&](double s, double) { return std::max(0.0, s - b.shared) * factor + shift_square; }),
           constant_map(y.shape, law.shift_mean), shift_square});
    }
    return y;
  }

  GraphMoments& graph_;
  const SignSymmetry& signs_;
  const PoolPixels pixels_;
};

// The images themselves; each channel has its own law. One map for all images where second moments pass linearly.
NodeMoments of_images(ConstView images, bool one_map) {
  const std::size_t pixels = images.shape.with_images(1).pixels();
  const double count = static_cast<double>(images.shape.images), share = one_map ? 1.0 / count : 1.0;
  NodeMoments x{
      .known = true, .reason = {}, .shape = images.shape.with_images(one_map ? 1 : images.shape.images), .blocks = {}};
  for (int c = 0; c < images.shape.channels; ++c) {
    Values square(x.shape.pixels()), mean = square;
    for (std::size_t p = 0; p < images.shape.pixels(); ++p) {
      const double v = static_cast<double>(images.pixel(p)[c]);
      const std::size_t to = one_map ? p % pixels : p;
      square[to] += share * v * v;
      mean[to] += share * v;
    }
    const double centre = average(mean);
    x.blocks.push_back({1, map_of(std::move(square)), map_of(std::move(mean)), centre * centre});
  }
  return x;
}

}  // namespace

double NodeMoments::square() const {
  double sum = 0.0;
  for (const ChannelBlock& b : blocks) sum += b.channels * average(*b.square);
  return sum / shape.channels;
}

GraphMoments forward_moments(const Network& net, const Scheme& scheme, ConstView images, PoolPixels pixels) {
  GraphMoments graph;
  graph.images = images.shape.images;
  graph.nodes = net.summary();
  std::map<std::string, std::size_t> index;
  bool linear = true;
  for (const NodeSummary& row : graph.nodes) {
    std::vector<std::size_t> inputs;
    for (const std::string& name : row.inputs) inputs.push_back(index.at(name));
    index[row.name] = graph.inputs.size();
    graph.inputs.push_back(std::move(inputs));
    graph.laws.push_back(law_of(row, scheme));
    if (row.traits.kind == Kind::activation)
      linear = linear && (row.traits.function == "relu" || row.traits.function == "leaky_relu");
  }
  const SignSymmetry signs(graph);
  const Forward forward(graph, signs, pixels);
  graph.values.push_back(of_images(images, linear));
  for (std::size_t i = 1; i < graph.nodes.size(); ++i) graph.values.push_back(forward.of(i));
  return graph;
}

}  // namespace fanin
