// A layer: one input, one output, both directions side by side. Joining (sum, concat) is the graph's business.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/parameter.h"
#include "core/graph/traits.h"
#include "core/kernels/conv2d.h"  // Write

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fanin {

enum class Mode { train, evaluate };

// Mean and sum of squared deviations of each channel over `count` values; mean null: not known.
struct Moments {
  const double *mean = nullptr, *squares = nullptr;
  double count = 0.0;
};

// What the gradient of a value still lacks: dx[c] -= constant[c] + slope[c] * (x[c] - mean[c]), where mean is the batch's.
// It is the part of BatchNorm's backward pass that needs sums over the whole batch; several BatchNorms add up to constant
// and slope, and all know the same mean.
struct Correction {
  float *constant = nullptr, *slope = nullptr, *mean = nullptr;  // per channel; null: none
};

// What a pass gets besides its views.
struct Pass {
  Mode mode = Mode::train;
  std::uint64_t seed = 0;    // of the run; dropout draws from stream dropout/<node>/<step>
  std::uint64_t step = 0;    // training steps taken so far
  std::string_view node;     // the node's path
  std::span<float> scratch;  // at least as many as the layer asks for below

  // Fusion (fuse.h). A layer gets only what it offers below; everywhere else these are empty.
  InputTransform transform;            // offers().transformed_input: the input is x read through it
  ForwardEpilogue forward_epilogue;    // offers().forward_epilogue
  BackwardEpilogue backward_epilogue;  // offers().transformed_input: what to do with the complete gradient of the input
  const Gradient* dy = nullptr;  // offers().loads_gradient: how to read the gradient of the output; null: it is dy
  Moments moments;               // Lazy::norm, forward: those of x
  const float* sums = nullptr;   // Lazy::norm, backward: [image][2][channel] as BackwardEpilogue makes them
  Correction correction;         // Lazy::norm, backward: the layer adds to it instead of writing dx
};

// What backward reads; everything else may be overwritten between the passes.
struct BackwardNeeds {
  bool input = false, output = false;
};

// A layer whose output need not exist: who wants it reads the input through an InputTransform.
enum class Lazy { no, norm, relu };

// What a layer offers to the planner, which decides what becomes of it.
struct Offers {
  Lazy lazy = Lazy::no;
  bool transformed_input = false;  // obeys Pass::transform and Pass::backward_epilogue
  bool forward_epilogue = false;   // obeys Pass::forward_epilogue
  bool scaled_gradient = false;    // obeys BackwardEpilogue::scaled and others as well
  bool loads_gradient = false;     // obeys Pass::dy
  bool joins_input = false;        // obeys InputTransform::joined; backward where the gradient of the input is wanted
};

class Layer {
 public:
  virtual ~Layer() = default;

  virtual std::string describe() const = 0;                  // "conv 3x3 /2 16 -> 32"
  virtual Traits traits() const { return {}; }               // the same as data, for predictions
  virtual Shape output_shape(const Shape& input) const = 0;  // throws ErrorKind::shape with both values and the remedy
  virtual std::vector<Parameter*> parameters() { return {}; }  // names relative to the node: "weight"
  virtual std::vector<StateBuffer*> buffers() { return {}; }
  virtual BackwardNeeds needs() const = 0;

  // True if y may be the memory of x in forward (and dx that of dy in backward): each element depends on its own place
  // only.
  virtual bool forward_in_place() const { return false; }
  virtual bool backward_in_place() const { return false; }

  virtual Offers offers() const { return {}; }
  // Lazy::norm, once forward has run: its three rows. With a null y forward only gets them ready.
  virtual InputTransform transform() const { return {}; }

  virtual std::size_t scratch_floats(const Shape& /*input*/) const { return 0; }  // of either pass
  virtual std::size_t forward_scratch_floats(const Shape& input) const { return scratch_floats(input); }
  virtual std::int64_t macs(const Shape& /*input*/) const { return 0; }  // multiply-adds of forward

  virtual void forward(ConstView x, View y, const Pass&) = 0;  // overwrites y
  // Writes or adds to dx; adds to parameter gradients. x or y is null where needs() does not ask for it; dx.data is
  // null where nobody wants the gradient of the input (the first layer).
  virtual void backward(ConstView x, ConstView y, ConstView dy, View dx, Write, const Pass&) = 0;
};

}  // namespace fanin
