// How fast a rung computes the three products of a convolution, as a training step of the network calls them: with the
// strides, transforms and epilogues of its plan.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/conv_job.h"
#include "core/kernels/conv_candidate.h"

namespace fanin {

class ConvSpeed {
 public:
  ConvSpeed(const ConvJob& job, int batch, double seconds);  // seconds of repeated calls for each measurement

  // GFLOP/s of direct accounting: 2 for each multiply-add of the definition, so Winograd may exceed the peak of the
  // machine. Best call of at least 3. 0 if the rung does not fit.
  double product(const ConvCandidate& rung, ConvProduct product);
  // Of both gradients from one load; 0 if the rung has no such thing.
  double joint(const ConvCandidate& rung);

 private:
  template <class Fn>
  double rate(double products, Fn&& fn) const;
  bool fits(const ConvCandidate& rung, ConvProduct product) const;

  const ConvJob job_;
  const Shape x_shape_, y_shape_;
  const double seconds_;
  Tensor x_, y_, dy_, dx_, add_;
  std::vector<float> w_, dw_, mean_, factor_, shift_, moments_, sums_;
  InputTransform transform_;
  ForwardEpilogue forward_;
  BackwardEpilogue backward_;
};

}  // namespace fanin
