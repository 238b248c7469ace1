// The passes over memory that belong to the graph and not to a layer: a sum of values that do not exist, with the ReLU
// behind it; what a gradient lacks that BatchNorms have passed on; and the statistics of a value whose writer does not
// take them.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/layer.h"
#include "core/kernels/conv2d.h"

#include <span>

namespace fanin {

// y = a + b, each read through its transform.
void join_forward(const Operand& a, const Operand& b, View y);
// All of a Joined in a pass of its own.
void join_forward(const Joined&);

// What else the backward pass of a join takes: [image][2][channel], sum of g and of g * (x - mean); null: nothing.
struct JoinSums {
  ConstView x;
  const float* mean = nullptr;
  float* sums = nullptr;
};

// g = dy where y > 0, else 0; dx = g or dx += g; and the sums of g for both operands.
void join_backward(ConstView y, ConstView dy, View dx, Write write, const JoinSums& a, const JoinSums& b);

// dx = dy, or dx += dy, where the value that x is read as is above 0.
void mask_backward(const Operand& value, ConstView dy, View dx, Write write);

// dx -= constant + slope * (x - mean).
void correct_gradient(ConstView x, const Correction&, View dx);

// Moments of every image, as ForwardEpilogue makes them, and all of them joined: mean and sum of squared deviations.
void moments_of_images(ConstView x, float* moments);
void join_moments(const float* moments, const Shape& shape, double* mean, double* squares);

}  // namespace fanin
