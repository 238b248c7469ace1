// SPDX-License-Identifier: MIT
#include "init/whitening.h"

#include "core/check.h"
#include "core/tensor/matrix.h"
#include "init/centre_tap.h"
#include "init/layer_pass.h"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

// E[p p^T] over all patches that lie within an image; a patch's numbers stand in the order of a filter in a file:
// channel, row, column.
Eigen::MatrixXd patch_moments(ConstView images, const WeightShape& shape) {
  const int channels = shape.in_per_group, rows = shape.kernel_height, columns = shape.kernel_width;
  const Eigen::Index size = static_cast<Eigen::Index>(channels) * rows * columns;
  Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(size, size);
  Eigen::VectorXd patch(size);
  double count = 0.0;
  for (int n = 0; n < images.shape.images; ++n)
    for (int y = 0; y + rows <= images.shape.height; ++y)
      for (int x = 0; x + columns <= images.shape.width; ++x) {
        for (int c = 0; c < channels; ++c)
          for (int i = 0; i < rows; ++i)
            for (int j = 0; j < columns; ++j) {
              const int pixel = (n * images.shape.height + y + i) * images.shape.width + x + j;
              patch((c * rows + i) * columns + j) =
                  static_cast<double>(images.pixel(static_cast<std::size_t>(pixel))[c]);
            }
        sum.selfadjointView<Eigen::Lower>().rankUpdate(patch);
        count += 1.0;
      }
  FANIN_CHECK(count > 0.0, usage, "whitening: the first convolution's kernel is larger than the image");
  return Eigen::MatrixXd(sum.selfadjointView<Eigen::Lower>()) / count;
}

class Whitening : public NetworkInitializer {
 public:
  explicit Whitening(double epsilon) : epsilon_(epsilon) {}
  std::string describe() const override { return "whitening first, dirac where it fits"; }
  bool needs_sample() const override { return true; }
  bool changes(Role role) const override { return role == Role::conv_weight; }

  void apply(Network& net, const Batch& sample, std::uint64_t) const override {
    const std::vector<WeightLayer> layers = weight_layers(net);
    whiten(first_of(net, layers), sample);
    for (std::size_t k = 1; k < layers.size(); ++k)
      if (layers[k].weight->role == Role::conv_weight) pass_on(*layers[k].weight);
  }

  // The moments of two filters' outputs over whole patches, f^T M g: 1 (up to epsilon) for the same, 0 for others.
  Property check(Network& net, const Batch& sample, std::uint64_t) const override {
    const Parameter& first = first_of(net, weight_layers(net));
    const Eigen::MatrixXd moments = patch_moments(sample.images, first.shape);
    std::vector<float> file(first.shape.size());
    to_file_order(first.shape, first.value, file);
    const Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> all(
        file.data(), first.shape.out_channels(), moments.rows());
    const Eigen::MatrixXd filters = all.topRows(pairs(first.shape)).cast<double>();
    Eigen::MatrixXd outputs = filters * moments * filters.transpose();
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(moments);
    for (Eigen::Index i = 0; i < outputs.rows(); ++i) {
      const double value = solver.eigenvalues()(moments.rows() - 1 - i);
      outputs(i, i) -= value / (value + epsilon_);
    }
    return {"the outputs of the whitening filters are uncorrelated, with variance 1 up to epsilon",
            outputs.cwiseAbs().maxCoeff(), 1e-4};
  }

 private:
  static Parameter& first_of(Network&, const std::vector<WeightLayer>& layers) {
    FANIN_CHECK(
        !layers.empty() && layers.front().weight->role == Role::conv_weight && layers.front().weight->shape.groups == 1,
        usage, "scheme 'whitening' needs a network that begins with a convolution, such as plain-8-16 or wrn-16-1");
    return *layers.front().weight;
  }
  static int pairs(const WeightShape& shape) {
    return std::min(shape.out_channels() / 2, shape.in_per_group * shape.taps());
  }

  void whiten(Parameter& weight, const Batch& sample) const {
    const WeightShape& shape = weight.shape;
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(patch_moments(sample.images, shape));
    std::vector<float> file(shape.size());
    to_file_order(shape, weight.value, file);
    const Eigen::Index size = solver.eigenvalues().size();
    for (int k = 0; k < pairs(shape); ++k) {
      const Eigen::Index column = size - 1 - k;  // eigenvalues are in ascending order
      const double over = 1.0 / std::sqrt(std::max(solver.eigenvalues()(column), 0.0) + epsilon_);
      for (Eigen::Index i = 0; i < size; ++i) {
        const double value = over * solver.eigenvectors()(i, column);
        file[static_cast<std::size_t>(k * size + i)] = static_cast<float>(value);
        file[static_cast<std::size_t>((k + pairs(shape)) * size + i)] = static_cast<float>(-value);
      }
    }
    from_file_order(shape, file, weight.value);
  }

  static void pass_on(Parameter& weight) {
    const WeightShape& shape = weight.shape;
    std::vector<float> file(shape.size());
    to_file_order(shape, weight.value, file);
    const std::size_t filter = static_cast<std::size_t>(shape.in_per_group) * static_cast<std::size_t>(shape.taps());
    for (int g = 0; g < shape.groups; ++g)
      for (int d = 0; d < std::min(shape.in_per_group, shape.out_per_group); ++d) {
        const int out = g * shape.out_per_group + d;
        std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(out) * filter), filter, 0.0f);
        file[centre_tap(shape, out, d)] = 1.0f;
      }
    from_file_order(shape, file, weight.value);
  }

  const double epsilon_;
};

}  // namespace

NetworkInitializerPtr whitening(double epsilon) {
  FANIN_CHECK(epsilon > 0.0 && std::isfinite(epsilon), usage, "whitening with epsilon {}; it must be above 0", epsilon);
  return std::make_shared<Whitening>(epsilon);
}

}  // namespace fanin
