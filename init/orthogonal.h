// Orthogonal weights (Saxe, McClelland & Ganguli 2014), as torch.nn.init.orthogonal_: the weight flattened to (out x in
// * taps) is gain times a matrix with orthonormal rows (or columns, whichever are fewer), uniform over all of them: QR
// of a Gaussian matrix with the signs of R's diagonal moved into Q (Mezzadri 2007).
// A convolution with such a kernel does not preserve norms; its flattened matrix does.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

InitializerPtr orthogonal(double gain);

// What others build from. Row-major (rows x columns), orthonormal rows or columns, uniform over all such matrices.
std::vector<double> orthogonal_matrix(int rows, int columns, Draws& draws);

// The largest entry of |A A^T - 1| (or of |A^T A - 1|, whichever is smaller). For entries that were rounded to float
// once, each off by at most 2^-25 of its size, a product of two unit vectors is off by 2 * 2^-24 (Cauchy-Schwarz); the
// bound leaves room for the double arithmetic.
double orthonormality(const std::vector<double>& matrix, int rows, int columns);
inline constexpr double kOrthonormalBound = 0x1p-22;

}  // namespace fanin
