// SPDX-License-Identifier: MIT
#include "init/moments_backward.h"

#include "init/moment_blocks.h"
#include "init/moment_windows.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

using Values = std::vector<double>;
using Kind = Traits::Kind;

struct Gradient {
  bool known = true;
  std::vector<int> channels;  // of each block; those of the value where that is known
  std::vector<Values> maps;
};

class Backward {
 public:
  Backward(const GraphMoments& graph, double output_square) : graph_(graph) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      const NodeMoments& value = graph.values[i];
      const Shape& shape = value.shape;
      Gradient g;
      for (const ChannelBlock& b : value.blocks) g.channels.push_back(b.channels);
      if (!value.known) g.channels = {shape.channels};
      g.maps.assign(g.channels.size(), Values(shape.pixels(), i + 1 == graph.nodes.size() ? output_square : 0.0));
      gradients_.push_back(std::move(g));
    }
    for (std::size_t i = graph.nodes.size() - 1; i > 0; --i) pass(i);
  }

  std::optional<double> square(std::size_t node) const {
    const Gradient& g = gradients_[node];
    if (!g.known) return std::nullopt;
    double sum = 0.0;
    for (std::size_t b = 0; b < g.maps.size(); ++b) sum += g.channels[b] * average(g.maps[b]);
    return sum / graph_.values[node].shape.channels;
  }

 private:
  static void add(Values& to, const Values& from, double factor = 1.0) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * from[i];
  }

  // The mean over the channels [first, first + count) of a gradient.
  static Values channel_mean(const Gradient& g, int first, int count) {
    Values result(g.maps.front().size());
    int begin = 0;
    for (std::size_t b = 0; b < g.maps.size(); begin += g.channels[b++]) {
      const int overlap = std::min(begin + g.channels[b], first + count) - std::max(begin, first);
      if (overlap > 0) add(result, g.maps[b], static_cast<double>(overlap) / count);
    }
    return result;
  }

  // Adds f(gradient of the same channels) to each block of an input whose channels are those from `first` on.
  template <class Function>
  void pass_blocks(const Gradient& dy, std::size_t input, int first, Function&& f) {
    Gradient& dx = gradients_[input];
    for (std::size_t b = 0; b < dx.maps.size(); first += dx.channels[b++])
      add(dx.maps[b], f(b, channel_mean(dy, first, dx.channels[b])));
  }

  void pass(std::size_t node) {
    const std::vector<std::size_t>& inputs = graph_.inputs[node];
    const Gradient& dy = gradients_[node];
    const Traits& t = graph_.nodes[node].traits;
    const LayerLaw& law = graph_.laws[node];
    const NodeMoments& x = graph_.values[inputs[0]];
    const bool reads_value = t.kind == Kind::activation || t.kind == Kind::batch_norm;
    const bool weighted = t.kind == Kind::conv || t.kind == Kind::linear;
    if (!dy.known || (reads_value && !x.known) || (weighted && !law.centred) || t.kind == Kind::other) {
      for (const std::size_t input : inputs) gradients_[input].known = false;
      return;
    }
    const Shape& to = graph_.values[node].shape;
    const auto same = [](std::size_t, Values g) { return g; };
    const auto times = [](double factor) {
      return [factor](std::size_t, Values g) {
        for (double& v : g) v *= factor;
        return g;
      };
    };
    int first = 0;
    switch (t.kind) {
      case Kind::conv:
      case Kind::linear: return pass_weights(node, dy);
      case Kind::activation:
        return pass_blocks(dy, inputs[0], 0, [&](std::size_t b, Values g) {
          const Values slopes = ActivationOfBlock(x.blocks[b], t).map(GaussianActivation::What::slope_square);
          for (std::size_t i = 0; i < g.size(); ++i) g[i] *= slopes[i];
          return g;
        });
      case Kind::batch_norm: {
        const double count = static_cast<double>(x.shape.with_images(graph_.images).pixels());
        const double left = law.scale_square * std::max(0.0, 1.0 - 2.0 / count);
        return pass_blocks(dy, inputs[0], 0, [&](std::size_t b, Values g) {
          const double factor = left / (variance(x.blocks[b]) + t.number);  // sums over the whole map
          for (double& v : g) v *= factor;
          return g;
        });
      }
      case Kind::average_pool:
      case Kind::global_average:
      case Kind::max_pool:
      case Kind::flatten: {
        const Window window = window_of(t, x.shape);
        const int power = t.kind == Kind::max_pool ? 1 : t.kind == Kind::flatten ? 0 : 2;
        if (t.kind == Kind::flatten) return pass_flatten(dy, inputs[0], window, to);
        return pass_blocks(dy, inputs[0], 0,
                           [&](std::size_t, const Values& g) { return scatter(window, g, x.shape, to, power); });
      }
      case Kind::dropout: return pass_blocks(dy, inputs[0], 0, times(1.0 / (1.0 - t.number)));
      case Kind::scalar_multiplier: return pass_blocks(dy, inputs[0], 0, times(law.scale_square));
      case Kind::concat:
        for (const std::size_t input : inputs) {
          pass_blocks(dy, input, first, same);
          first += graph_.values[input].shape.channels;
        }
        return;
      default:  // sum, pad_channels, scalar_bias
        for (const std::size_t input : inputs) pass_blocks(dy, input, 0, same);
    }
  }

  void pass_weights(std::size_t node, const Gradient& dy) {
    const std::size_t input = graph_.inputs[node][0];
    const Traits& t = graph_.nodes[node].traits;
    const Shape &from = graph_.values[input].shape, &to = graph_.values[node].shape;
    const Window window = window_of(t, from);
    const int in = from.channels / t.groups, out = to.channels / t.groups;
    Gradient& dx = gradients_[input];
    int first = 0;
    for (std::size_t b = 0; b < dx.maps.size(); first += dx.channels[b++]) {
      // The groups that read these channels, each by the share it reads.
      Values of_outputs(to.pixels());
      for (int g = first / in; g * in < first + dx.channels[b]; ++g) {
        const int overlap = std::min(first + dx.channels[b], (g + 1) * in) - std::max(first, g * in);
        add(of_outputs, channel_mean(dy, g * out, out), static_cast<double>(overlap) / dx.channels[b]);
      }
      add(dx.maps[b], scatter(window, of_outputs, from, to), graph_.laws[node].variance * out);
    }
  }

  // Pixel after pixel, so that a channel of x is every C-th channel of y: the mean over y's channels stands for each.
  void pass_flatten(const Gradient& dy, std::size_t input, const Window& window, const Shape& to) {
    Gradient& dx = gradients_[input];
    const Values mean = channel_mean(dy, 0, to.channels);
    for (Values& map : dx.maps) add(map, scatter(window, mean, graph_.values[input].shape, to));
  }

  const GraphMoments& graph_;
  std::vector<Gradient> gradients_;
};

}  // namespace

std::vector<std::optional<double>> backward_moments(const GraphMoments& graph, double output_square) {
  const Backward backward(graph, output_square);
  std::vector<std::optional<double>> result;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) result.push_back(backward.square(i));
  return result;
}

}  // namespace fanin
