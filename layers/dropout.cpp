// SPDX-License-Identifier: MIT
#include "layers/dropout.h"

#include "core/check.h"
#include "core/rng.h"
#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

#include <array>
#include <memory>

namespace fanin {

namespace {

class Dropout : public Layer {
 public:
  explicit Dropout(float p) : p_(p) {}
  std::string describe() const override { return fmt::format("dropout {}", p_); }
  Traits traits() const override { return {.kind = Traits::Kind::dropout, .number = static_cast<double>(p_)}; }
  Shape output_shape(const Shape& x) const override { return x; }
  BackwardNeeds needs() const override { return {}; }
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }

  void forward(ConstView x, View y, const Pass& pass) override {
    if (pass.mode == Mode::evaluate) {
      if (x.data != y.data) copy(x, y);
      return;
    }
    apply(x, y, Write::overwrite, pass);
  }
  void backward(ConstView, ConstView, ConstView dy, View dx, Write write, const Pass& pass) override {
    if (dx.data == nullptr) return;
    if (pass.mode == Mode::train)
      apply(dy, dx, write, pass);
    else if (write == Write::add)
      accumulate(dy, dx);
    else if (dx.data != dy.data)
      copy(dy, dx);
  }

 private:
  void apply(ConstView from, View to, Write write, const Pass& pass) const {
    const Rng rng = stream(pass);
    const float kept = 1.0f / (1.0f - p_);
    const std::size_t channels = static_cast<std::size_t>(from.shape.channels),
                      rows = rows_per_block(from.shape.channels);
    for_numbered_row_blocks(
        [&](int block, ConstView from, View to) {
          std::uint64_t index = static_cast<std::uint64_t>(block) * rows * channels;
          for (std::size_t p = 0; p < from.shape.pixels(); ++p)
            for (std::size_t c = 0; c < channels; ++c, ++index) {
              const float part = rng.uniform(index) < static_cast<double>(p_) ? 0.0f : kept * from.pixel(p)[c];
              to.pixel(p)[c] = write == Write::overwrite ? part : to.pixel(p)[c] + part;
            }
        },
        from, to);
  }

  static Rng stream(const Pass& pass) {
    std::array<char, 256> name;  // on the stack: a training step allocates nothing
    const auto end = fmt::format_to_n(name.data(), name.size(), "dropout/{}/{}", pass.node, pass.step);
    return Rng::stream(pass.seed, {name.data(), std::min(end.size, name.size())});
  }

  const float p_;
};

}  // namespace

Node dropout(Network& net, const std::string& name, Node x, float p) {
  FANIN_CHECK(p >= 0.0f && p < 1.0f, shape, "{}: dropout with probability {}; it must be at least 0 and below 1", name,
              p);
  return net.add(name, std::make_unique<Dropout>(p), x);
}

}  // namespace fanin
