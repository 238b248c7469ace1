// SPDX-License-Identifier: MIT
#include "layers/conv.h"

#include "core/check.h"
#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"
#include "layers/channel_sum.h"

#include <fmt/format.h>

#include <memory>

namespace fanin {

namespace {

class Conv : public Layer {
 public:
  explicit Conv(const Conv2d& conv, bool has_bias) : conv_(conv), has_bias_(has_bias) {
    weight_ = {.name = "weight", .role = Role::conv_weight, .shape = conv.weight_shape(), .value = {}, .grad = {}};
    bias_ = {.name = "bias",
             .role = Role::conv_bias,
             .shape = WeightShape::bias(conv.weight_shape()),
             .value = {},
             .grad = {}};
  }

  std::string describe() const override {
    std::string text = fmt::format("conv {0}x{0} {1} -> {2}", conv_.kernel, conv_.in_channels, conv_.out_channels);
    if (conv_.stride != 1) text += fmt::format(" /{}", conv_.stride);
    if (conv_.groups != 1) text += fmt::format(" g{}", conv_.groups);
    if (has_bias_) text += " + bias";
    return text;
  }

  Traits traits() const override {
    return {.kind = Traits::Kind::conv,
            .kernel = conv_.kernel,
            .stride = conv_.stride,
            .padding = conv_.padding,
            .groups = conv_.groups,
            .bias = has_bias_};
  }
  Shape output_shape(const Shape& x) const override {
    FANIN_CHECK(x.height + 2 * conv_.padding >= conv_.kernel && x.width + 2 * conv_.padding >= conv_.kernel, shape,
                "kernel {0}x{0} does not fit into {1}x{2} pixels with padding {3}; use a larger image or fewer strides",
                conv_.kernel, x.height, x.width, conv_.padding);
    return conv_.output_shape(x);
  }

  std::vector<Parameter*> parameters() override {
    if (has_bias_) return {&weight_, &bias_};
    return {&weight_};
  }
  BackwardNeeds needs() const override { return {.input = true}; }
  // A bias is added after the product, so after its epilogue.
  Offers offers() const override {
    return {.transformed_input = true,
            .forward_epilogue = !has_bias_,
            .scaled_gradient = true,
            .loads_gradient = !has_bias_ && conv2d_loads_gradient(conv_),
            .joins_input = conv2d_joins_input(conv_)};
  }
  std::size_t forward_scratch_floats(const Shape& x) const override { return conv2d_forward_scratch(conv_, x); }
  std::size_t scratch_floats(const Shape& x) const override {
    return std::max(conv2d_scratch(conv_, x), has_bias_ ? channel_sum_scratch(conv_.output_shape(x)) : 0);
  }
  std::int64_t macs(const Shape& x) const override {
    return static_cast<std::int64_t>(conv_.output_shape(x).pixels() * conv_.weight_shape().size());
  }

  void forward(ConstView x, View y, const Pass& pass) override {
    conv2d_forward(conv_, x, pass.transform, weight_.value.data(), y, pass.forward_epilogue, pass.scratch);
    if (!has_bias_) return;
    const ConstVectorMap bias(bias_.value.data(), conv_.out_channels);
    for_row_blocks(ConstView(y), y, [&](ConstView, View rows) { as_matrix(rows).rowwise() += bias; });
  }

  void backward(ConstView x, ConstView, ConstView dy, View dx, Write write, const Pass& pass) override {
    const Gradient gradient = pass.dy != nullptr ? *pass.dy : Gradient(dy);
    conv2d_backward(conv_, x, pass.transform, gradient, weight_.value.data(), dx, write, pass.backward_epilogue,
                    weight_.grad.data(), pass.scratch);
    if (has_bias_) add_channel_sums(dy, bias_.grad, pass.scratch);
  }

 private:
  const Conv2d conv_;
  const bool has_bias_;
  Parameter weight_, bias_;
};

}  // namespace

Node conv(Network& net, const std::string& name, Node x, const ConvOptions& o) {
  FANIN_CHECK(o.out_channels > 0 && o.kernel > 0 && o.stride > 0 && o.groups > 0 && o.padding >= -1, shape,
              "{}: conv with {} output channels, kernel {}, stride {}, groups {}, padding {}; all must be positive "
              "(padding -1: same)",
              name, o.out_channels, o.kernel, o.stride, o.groups, o.padding);
  const int in = x.channels();
  FANIN_CHECK(in % o.groups == 0 && o.out_channels % o.groups == 0, shape,
              "{}: {} input and {} output channels, but groups = {} does not divide both; choose a common divisor",
              name, in, o.out_channels, o.groups);
  const int padding = o.padding == -1 ? (o.kernel - 1) / 2 : o.padding;
  const Conv2d geometry{in, o.out_channels, o.kernel, o.stride, padding, o.groups};
  return net.add(name, std::make_unique<Conv>(geometry, o.bias), x);
}

}  // namespace fanin
