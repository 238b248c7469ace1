// SPDX-License-Identifier: MIT
#include "apps/study/jacobian.h"

#include "apps/study/symmetric_eigenvalues.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace fanin {

namespace {

using Kind = Traits::Kind;

// Takes the gradients of the nodes that read the images back to one image: a network does not do that itself.
class InputGradient : public Observer {
 public:
  InputGradient(const std::vector<NodeSummary>& nodes, const Shape& image, int which) : image_(image), which_(which) {
    for (const NodeSummary& node : nodes)
      if (std::find(node.inputs.begin(), node.inputs.end(), nodes.front().name) != node.inputs.end())
        readers_[node.name] = &node;
  }

  std::string reason() const {
    for (const auto& [name, node] : readers_)
      if (node->traits.kind != Kind::conv && node->traits.kind != Kind::linear && node->traits.kind != Kind::flatten)
        return name + " reads the images and is neither conv, linear nor flatten";
    return {};
  }

  std::vector<double> row;  // height x width x channels

  void gradient(std::string_view name, ConstView dy) override {
    const auto found = readers_.find(name);
    if (found == readers_.end()) return;
    const ConstView one = dy.images(which_, 1);
    if (found->second->traits.kind == Kind::flatten) {
      for (std::size_t i = 0; i < row.size(); ++i) row[i] += static_cast<double>(one.pixel(0)[i]);
      return;
    }
    add_transposed(*found->second, one);
  }

 private:
  // dx[y, x, i] += w[r, c, i, o] * dy[.., o], by the loops of the definition.
  void add_transposed(const NodeSummary& node, ConstView dy) {
    const Traits& t = node.traits;
    const Parameter& w = *node.weights.front();
    const int in = w.shape.in_per_group, out = w.shape.out_per_group, all_out = w.shape.out_channels();
    for (int oy = 0; oy < dy.shape.height; ++oy)
      for (int ox = 0; ox < dy.shape.width; ++ox)
        for (int r = 0; r < t.kernel; ++r)
          for (int c = 0; c < t.kernel; ++c) {
            const int y = oy * t.stride - t.padding + r, x = ox * t.stride - t.padding + c;
            if (y < 0 || y >= image_.height || x < 0 || x >= image_.width) continue;
            const float* const g = dy.pixel(static_cast<std::size_t>(oy * dy.shape.width + ox));
            for (int group = 0; group < w.shape.groups; ++group)
              for (int i = 0; i < in; ++i) {
                const float* const weights = w.value.data() + ((r * t.kernel + c) * in + i) * all_out + group * out;
                double sum = 0.0;
                for (int o = 0; o < out; ++o)
                  sum += static_cast<double>(weights[o]) * static_cast<double>(g[group * out + o]);
                row[static_cast<std::size_t>((y * image_.width + x) * image_.channels + group * in + i)] += sum;
              }
          }
  }

  const Shape image_;
  const int which_;
  std::map<std::string, const NodeSummary*, std::less<>> readers_;
};

double largest_by_power_iteration(const std::vector<double>& m, std::size_t rows, std::size_t columns) {
  std::vector<double> u(rows, 1.0), v(columns);
  double sigma = 0.0;
  for (int i = 0; i < 500; ++i) {
    std::fill(v.begin(), v.end(), 0.0);
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c) v[c] += m[r * columns + c] * u[r];
    double norm = 0.0;
    for (std::size_t r = 0; r < rows; ++r) {
      u[r] = 0.0;
      for (std::size_t c = 0; c < columns; ++c) u[r] += m[r * columns + c] * v[c];
      norm += u[r] * u[r];
    }
    norm = std::sqrt(norm);
    if (!(norm > 0.0)) return norm;
    for (double& x : u) x /= norm;
    const double now = std::sqrt(norm);  // of J J^T u with |u| = 1
    if (std::fabs(now - sigma) <= 1e-9 * now) return now;
    sigma = now;
  }
  return sigma;
}

}  // namespace

JacobianSpectrum jacobian_spectrum(Network& net, const KeptBatch& batch, int image) {
  const std::vector<NodeSummary> nodes = net.summary();
  const Shape shape = net.image();
  const bool joined =
      std::any_of(nodes.begin(), nodes.end(), [](const NodeSummary& n) { return n.traits.kind == Kind::batch_norm; });
  // Without BatchNorm images do not meet, and one is enough.
  const ConstView images = joined ? std::as_const(batch.images).view() : batch.images.view().images(image, 1);
  const int which = joined ? image : 0;
  InputGradient input(nodes, shape, which);
  JacobianSpectrum result;
  result.reason = input.reason();
  if (!result.reason.empty()) return result;
  const std::size_t rows = static_cast<std::size_t>(nodes.back().output.channels),
                    columns = shape.with_images(1).size();
  std::vector<double> jacobian;
  net.observe(&input);
  for (std::size_t k = 0; k < rows; ++k) {
    input.row.assign(columns, 0.0);
    const ConstView logits = net.forward(images, Mode::train);
    Tensor one(logits.shape);
    one.view().pixel(static_cast<std::size_t>(which))[k] = 1.0f;
    net.backward(std::as_const(one).view());
    jacobian.insert(jacobian.end(), input.row.begin(), input.row.end());
  }
  net.observe(nullptr);
  for (const double v : jacobian) result.mean_square += v * v / static_cast<double>(rows);
  if (rows <= kExactRows)
    result.singular_values = singular_values(jacobian, rows, columns);
  else
    result.singular_values = {largest_by_power_iteration(jacobian, rows, columns)};
  return result;
}

}  // namespace fanin
