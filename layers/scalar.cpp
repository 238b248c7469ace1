// SPDX-License-Identifier: MIT
#include "layers/scalar.h"

#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

#include <memory>

namespace fanin {

namespace {

// A scalar's gradient is a sum over everything: one partial per row block, added in block order in double.
std::size_t block_sum_scratch(const Shape& shape) { return static_cast<std::size_t>(row_block_count(shape)); }

float sum_blocks(std::span<const float> partials, const Shape& shape) {
  double sum = 0.0;
  for (std::size_t b = 0; b < block_sum_scratch(shape); ++b) sum += static_cast<double>(partials[b]);
  return static_cast<float>(sum);
}

class ScalarMultiplier : public Layer {
 public:
  ScalarMultiplier() {
    weight_ = {
        .name = "weight", .role = Role::scalar_multiplier, .shape = WeightShape::vector(1), .value = {}, .grad = {}};
  }
  std::string describe() const override { return "scalar_multiplier"; }
  Traits traits() const override { return {.kind = Traits::Kind::scalar_multiplier}; }
  Shape output_shape(const Shape& x) const override { return x; }
  std::vector<Parameter*> parameters() override { return {&weight_}; }
  BackwardNeeds needs() const override { return {.input = true}; }
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }
  std::size_t scratch_floats(const Shape& x) const override { return block_sum_scratch(x); }

  void forward(ConstView x, View y, const Pass&) override {
    const float weight = weight_.value[0];
    for_row_blocks(x, y, [weight](ConstView x, View y) { as_matrix(y) = weight * as_matrix(x); });
  }

  void backward(ConstView x, ConstView, ConstView dy, View dx, Write write, const Pass& pass) override {
    for_numbered_row_blocks(
        [&](int block, ConstView x, ConstView dy) {
          pass.scratch[static_cast<std::size_t>(block)] = as_matrix(x).cwiseProduct(as_matrix(dy)).sum();
        },
        x, dy);
    weight_.grad[0] += sum_blocks(pass.scratch, x.shape);
    if (dx.data == nullptr) return;
    const float weight = weight_.value[0];
    for_row_blocks(dy, dx, [weight, write](ConstView dy, View dx) {
      if (write == Write::overwrite)
        as_matrix(dx) = weight * as_matrix(dy);
      else
        as_matrix(dx) += weight * as_matrix(dy);
    });
  }

 private:
  Parameter weight_;
};

class ScalarBias : public Layer {
 public:
  ScalarBias() {
    bias_ = {.name = "bias", .role = Role::scalar_bias, .shape = WeightShape::vector(1), .value = {}, .grad = {}};
  }
  std::string describe() const override { return "scalar_bias"; }
  Traits traits() const override { return {.kind = Traits::Kind::scalar_bias}; }
  Shape output_shape(const Shape& x) const override { return x; }
  std::vector<Parameter*> parameters() override { return {&bias_}; }
  BackwardNeeds needs() const override { return {}; }
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }
  std::size_t scratch_floats(const Shape& x) const override { return block_sum_scratch(x); }

  void forward(ConstView x, View y, const Pass&) override {
    const float bias = bias_.value[0];
    for_row_blocks(x, y, [bias](ConstView x, View y) { as_matrix(y).array() = as_matrix(x).array() + bias; });
  }

  void backward(ConstView, ConstView, ConstView dy, View dx, Write write, const Pass& pass) override {
    for_numbered_row_blocks(
        [&](int block, ConstView dy) { pass.scratch[static_cast<std::size_t>(block)] = as_matrix(dy).sum(); }, dy);
    bias_.grad[0] += sum_blocks(pass.scratch, dy.shape);
    if (dx.data == nullptr || dx.data == dy.data) return;
    if (write == Write::overwrite)
      copy(dy, dx);
    else
      accumulate(dy, dx);
  }

 private:
  Parameter bias_;
};

}  // namespace

Node scalar_multiplier(Network& net, const std::string& name, Node x) {
  return net.add(name, std::make_unique<ScalarMultiplier>(), x);
}
Node scalar_bias(Network& net, const std::string& name, Node x) {
  return net.add(name, std::make_unique<ScalarBias>(), x);
}

}  // namespace fanin
