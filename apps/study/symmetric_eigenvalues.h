// All eigenvalues of a symmetric matrix by cyclic Jacobi rotations (Golub & Van Loan 2013, section 8.5), each to about
// 8 n * 2^-53 of the largest: some eight sweeps of n rotations a row. And the singular values of a matrix, from the
// smaller of its two Gram matrices, which keeps those above 1e-7 of the largest. For matrices of some hundreds of rows.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

namespace fanin {

// `matrix` has n * n numbers, row after row; the result is in descending order. Not finite if an element is not.
std::vector<double> symmetric_eigenvalues(std::vector<double> matrix, std::size_t n);

// Of a rows x columns matrix: min(rows, columns) of them, in descending order.
std::vector<double> singular_values(const std::vector<double>& matrix, std::size_t rows, std::size_t columns);

}  // namespace fanin
