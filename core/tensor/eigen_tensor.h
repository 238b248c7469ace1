// A contiguous view seen as a rank-4 Eigen tensor (N, H, W, C), for whole-tensor expressions such as shuffles and
// reductions by axis.
// Apart from matrix.h because Eigen's tensor module is slow to compile.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/check.h"
#include "core/tensor/matrix.h"

#include <unsupported/Eigen/CXX11/Tensor>

namespace fanin {

using TensorMap4 = Eigen::TensorMap<Eigen::Tensor<float, 4, Eigen::RowMajor>>;

// No copy. Throws ErrorKind::shape if pixels are not adjacent in memory (stride != channels).
inline TensorMap4 as_tensor(View v) {
  FANIN_CHECK(v.stride == v.shape.channels, shape,
              "as_tensor needs adjacent pixels: stride {} but {} channels; copy the slice first", v.stride,
              v.shape.channels);
  return {v.data, v.shape.images, v.shape.height, v.shape.width, v.shape.channels};
}

}  // namespace fanin
