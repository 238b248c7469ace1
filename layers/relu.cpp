// SPDX-License-Identifier: MIT
#include "layers/relu.h"

#include "core/kernels/transform.h"
#include "core/tensor/parallel.h"

#include <memory>

namespace fanin {

namespace {

class Relu : public Layer {
 public:
  std::string describe() const override { return "relu"; }
  Traits traits() const override { return {.kind = Traits::Kind::activation, .function = "relu"}; }
  Shape output_shape(const Shape& x) const override { return x; }
  BackwardNeeds needs() const override { return {.output = true}; }
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }
  Offers offers() const override { return {.lazy = Lazy::relu, .transformed_input = true}; }

  void forward(ConstView x, View y, const Pass& pass) override {
    if (!pass.transform.identity()) {
      InputTransform t = pass.transform;
      t.relu = true;
      return parallel_for(x.shape.images, [&](int n) { transform_image(x.images(n, 1), t, y.images(n, 1)); });
    }
    for_runs(
        [](const float* x, float* y, std::ptrdiff_t count) {
#pragma GCC ivdep
          for (std::ptrdiff_t i = 0; i < count; ++i)
            y[i] = x[i] < 0.0f ? 0.0f : x[i];  // this way round a NaN stays a NaN
        },
        x, y);
  }

  void backward(ConstView, ConstView y, ConstView dy, View dx, Write write, const Pass& pass) override {
    if (dx.data == nullptr) return;
    for_runs(
        [write](const float* y, const float* dy, float* dx, std::ptrdiff_t count) {
          if (write == Write::overwrite) {
#pragma GCC ivdep
            for (std::ptrdiff_t i = 0; i < count; ++i) dx[i] = y[i] > 0.0f ? dy[i] : 0.0f;
          } else {
#pragma GCC ivdep
            for (std::ptrdiff_t i = 0; i < count; ++i) dx[i] += y[i] > 0.0f ? dy[i] : 0.0f;
          }
        },
        y, dy, dx);
    if (pass.backward_epilogue.x.data == nullptr) return;
    parallel_for(dx.shape.images, [&](int n) { finish_gradient(dx.images(n, 1), n, pass.backward_epilogue); });
  }
};

}  // namespace

Node relu(Network& net, const std::string& name, Node x) { return net.add(name, std::make_unique<Relu>(), x); }

}  // namespace fanin
