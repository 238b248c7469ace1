// SPDX-License-Identifier: MIT
#include "layers/linear.h"

#include "core/check.h"
#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"
#include "layers/channel_sum.h"

#include <fmt/format.h>

#include <memory>

namespace fanin {

namespace {

class Linear : public Layer {
 public:
  Linear(int in, const LinearOptions& o)
      : product_{.in_channels = in, .out_channels = o.out, .kernel = 1, .stride = 1, .padding = 0, .groups = 1},
        has_bias_(o.bias) {
    weight_ = {.name = "weight",
               .role = Role::linear_weight,
               .shape = WeightShape::linear(in, o.out),
               .value = {},
               .grad = {}};
    bias_ = {.name = "bias",
             .role = Role::linear_bias,
             .shape = WeightShape::bias(WeightShape::linear(in, o.out)),
             .value = {},
             .grad = {}};
  }

  std::string describe() const override {
    return fmt::format("linear {} -> {}", product_.in_channels, product_.out_channels);
  }
  Traits traits() const override { return {.kind = Traits::Kind::linear, .bias = has_bias_}; }
  Shape output_shape(const Shape& x) const override {
    FANIN_CHECK(x.height == 1 && x.width == 1, shape,
                "linear needs 1x1 pixels but its input has {}x{}; put global_average_pool or flatten in front",
                x.height, x.width);
    return x.with_channels(product_.out_channels);
  }
  std::vector<Parameter*> parameters() override {
    if (has_bias_) return {&weight_, &bias_};
    return {&weight_};
  }
  BackwardNeeds needs() const override { return {.input = true}; }
  std::size_t scratch_floats(const Shape& x) const override {
    return std::max(conv2d_scratch(product_, x), channel_sum_scratch(output_shape(x)));
  }
  std::int64_t macs(const Shape& x) const override {
    return static_cast<std::int64_t>(x.pixels() * weight_.shape.size());
  }

  void forward(ConstView x, View y, const Pass& pass) override {
    conv2d_forward(product_, as_row(x), {}, weight_.value.data(), as_row(y), {}, pass.scratch);
    if (!has_bias_) return;
    const ConstVectorMap bias(bias_.value.data(), product_.out_channels);
    for_row_blocks(ConstView(y), y, [&](ConstView, View rows) { as_matrix(rows).rowwise() += bias; });
  }

  void backward(ConstView x, ConstView, ConstView dy, View dx, Write write, const Pass& pass) override {
    conv2d_backward_weights(product_, as_row(x), {}, as_row(dy), weight_.grad.data(), pass.scratch);
    if (has_bias_) add_channel_sums(dy, bias_.grad, pass.scratch);
    if (dx.data != nullptr)
      conv2d_backward_input(product_, as_row(dy), weight_.value.data(), as_row(dx), write, {}, pass.scratch);
  }

 private:
  // N images of one pixel are the rows of one matrix: seen as one image of N x 1 pixels they make one product instead
  // of N.
  template <class AnyView>
  static AnyView as_row(AnyView v) {
    return {v.data, {1, v.shape.images, 1, v.shape.channels}, v.stride};
  }

  const Conv2d product_;
  const bool has_bias_;
  Parameter weight_, bias_;
};

}  // namespace

Node linear(Network& net, const std::string& name, Node x, const LinearOptions& options) {
  FANIN_CHECK(options.out > 0, shape, "{}: linear with {} outputs; give at least 1", name, options.out);
  return net.add(name, std::make_unique<Linear>(x.channels(), options), x);
}

}  // namespace fanin
