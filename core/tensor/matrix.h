// A view seen as an Eigen matrix: rows are pixels, columns are channels. Eigen is included here and in
// eigen_tensor.h only; this is the place that pins what Eigen may do: no threads of its own and fixed cache sizes,
// since both change the order of its sums.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/tensor.h"

#ifndef EIGEN_DONT_PARALLELIZE
#error "compile with EIGEN_DONT_PARALLELIZE: Eigen's threads change the order of sums with the thread count"
#endif

#include <Eigen/Core>

namespace fanin {

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixMap = Eigen::Map<RowMatrix, Eigen::Unaligned, Eigen::OuterStride<>>;
using ConstMatrixMap = Eigen::Map<const RowMatrix, Eigen::Unaligned, Eigen::OuterStride<>>;
using VectorMap = Eigen::Map<Eigen::RowVectorXf>;
using ConstVectorMap = Eigen::Map<const Eigen::RowVectorXf>;

inline MatrixMap as_matrix(View v) {
  return {v.data, static_cast<Eigen::Index>(v.shape.pixels()), v.shape.channels, Eigen::OuterStride<>(v.stride)};
}
inline ConstMatrixMap as_matrix(ConstView v) {
  return {v.data, static_cast<Eigen::Index>(v.shape.pixels()), v.shape.channels, Eigen::OuterStride<>(v.stride)};
}
}  // namespace fanin
