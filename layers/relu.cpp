// SPDX-License-Identifier: MIT
#include "layers/relu.h"

#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

#include <memory>

namespace fanin {

namespace {

class Relu : public Layer {
 public:
  std::string describe() const override { return "relu"; }
  Shape output_shape(const Shape& x) const override { return x; }
  BackwardNeeds needs() const override { return {.output = true}; }
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }

  void forward(ConstView x, View y, const Pass&) override {
    // Select rather than max: a NaN must not turn into a healthy 0.
    for_row_blocks(x, y, [](ConstView x, View y) {
      as_matrix(y) = (as_matrix(x).array() < 0.0f).select(0.0f, as_matrix(x).array());
    });
  }

  void backward(ConstView, ConstView y, ConstView dy, View dx, Write write, const Pass&) override {
    if (dx.data == nullptr) return;
    for_row_blocks(y, dy, dx, [write](ConstView y, ConstView dy, View dx) {
      const auto kept = (as_matrix(y).array() > 0.0f).select(as_matrix(dy).array(), 0.0f);
      if (write == Write::overwrite) as_matrix(dx).array() = kept;
      else as_matrix(dx).array() += kept;
    });
  }
};

}  // namespace

Node relu(Network& net, const std::string& name, Node x) { return net.add(name, std::make_unique<Relu>(), x); }

}  // namespace fanin
