// SPDX-License-Identifier: MIT
#include "layers/pad_channels.h"

#include "core/check.h"
#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

#include <memory>

namespace fanin {

namespace {

class PadChannels : public Layer {
 public:
  explicit PadChannels(int channels) : channels_(channels) {}
  std::string describe() const override { return fmt::format("pad_channels to {}", channels_); }
  Traits traits() const override { return {.kind = Traits::Kind::pad_channels}; }
  Shape output_shape(const Shape& x) const override {
    FANIN_CHECK(channels_ > x.channels, shape, "cannot pad {} channels to {}; the second must be larger", x.channels,
                channels_);
    return x.with_channels(channels_);
  }
  BackwardNeeds needs() const override { return {}; }

  void forward(ConstView x, View y, const Pass&) override {
    for_row_blocks(x, y, [](ConstView x, View y) {
      as_matrix(y).leftCols(x.shape.channels) = as_matrix(x);
      as_matrix(y).rightCols(y.shape.channels - x.shape.channels).setZero();
    });
  }

  void backward(ConstView, ConstView, ConstView dy, View dx, Write write, const Pass&) override {
    if (dx.data == nullptr) return;
    for_row_blocks(dy, dx, [write](ConstView dy, View dx) {
      if (write == Write::overwrite)
        as_matrix(dx) = as_matrix(dy).leftCols(dx.shape.channels);
      else
        as_matrix(dx) += as_matrix(dy).leftCols(dx.shape.channels);
    });
  }

 private:
  const int channels_;
};

}  // namespace

Node pad_channels(Network& net, const std::string& name, Node x, int channels) {
  return net.add(name, std::make_unique<PadChannels>(channels), x);
}

}  // namespace fanin
