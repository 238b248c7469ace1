// A layer: one input, one output, both directions side by side. Joining (sum, concat) is the graph's business.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/parameter.h"
#include "core/kernels/conv2d.h"  // Write

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fanin {

enum class Mode { train, evaluate };

// What a pass gets besides its views.
struct Pass {
  Mode mode = Mode::train;
  std::uint64_t seed = 0;    // of the run; dropout draws from stream dropout/<node>/<step>
  std::uint64_t step = 0;    // training steps taken so far
  std::string_view node;     // the node's path
  std::span<float> scratch;  // at least Layer::scratch_floats of the prepared input
};

// What backward reads; everything else may be overwritten between the passes.
struct BackwardNeeds {
  bool input = false, output = false;
};

class Layer {
 public:
  virtual ~Layer() = default;

  virtual std::string describe() const = 0;                  // "conv 3x3 /2 16 -> 32"
  virtual Shape output_shape(const Shape& input) const = 0;  // throws ErrorKind::shape with both values and the remedy
  virtual std::vector<Parameter*> parameters() { return {}; }  // names relative to the node: "weight"
  virtual std::vector<StateBuffer*> buffers() { return {}; }
  virtual BackwardNeeds needs() const = 0;

  // True if y may be the memory of x in forward (and dx that of dy in backward): each element depends on its own place
  // only.
  virtual bool forward_in_place() const { return false; }
  virtual bool backward_in_place() const { return false; }

  virtual std::size_t scratch_floats(const Shape& /*input*/) const { return 0; }
  virtual std::int64_t macs(const Shape& /*input*/) const { return 0; }  // multiply-adds of forward

  virtual void forward(ConstView x, View y, const Pass&) = 0;  // overwrites y
  // Writes or adds to dx; adds to parameter gradients. x or y is null where needs() does not ask for it; dx.data is
  // null where nobody wants the gradient of the input (the first layer).
  virtual void backward(ConstView x, ConstView y, ConstView dy, View dx, Write, const Pass&) = 0;
};

}  // namespace fanin
