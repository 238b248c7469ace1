// SPDX-License-Identifier: MIT
#include "apps/study/structure.h"

#include "apps/study/symmetric_eigenvalues.h"
#include "core/tensor/parallel.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fanin {

namespace {

int rank_of(const std::vector<double>& matrix, std::size_t rows, std::size_t columns) {
  const std::vector<double> s = singular_values(matrix, rows, columns);
  const double limit = static_cast<double>(std::max(rows, columns)) * 0x1p-23 * s.front();
  return static_cast<int>(std::count_if(s.begin(), s.end(), [&](double v) { return v > limit; }));
}

int twins_in(const std::vector<double>& matrix, std::size_t rows, std::size_t columns) {
  std::vector<char> twin(rows);
  parallel_for(static_cast<int>(rows), [&](int index) {
    const std::size_t a = static_cast<std::size_t>(index);
    const double* const x = matrix.data() + a * columns;
    double length = 0.0;
    for (std::size_t i = 0; i < columns; ++i) length += x[i] * x[i];
    for (std::size_t b = 0; b < rows && twin[a] == 0; ++b) {
      if (a == b) continue;
      const double* const y = matrix.data() + b * columns;
      double distance = 0.0;  // most pairs are told apart by a few elements
      for (std::size_t i = 0; i < columns && distance <= 1e-10 * length; ++i) distance += (x[i] - y[i]) * (x[i] - y[i]);
      twin[a] = distance <= 1e-10 * length;
    }
  });
  return static_cast<int>(std::count(twin.begin(), twin.end(), 1));
}

}  // namespace

MatrixStructure structure_of(const WeightShape& shape, std::span<const float> values) {
  const std::size_t rows = static_cast<std::size_t>(shape.out_per_group),
                    all = static_cast<std::size_t>(shape.out_channels());
  const std::size_t columns = static_cast<std::size_t>(shape.taps() * shape.in_per_group);
  MatrixStructure result{.full_rank = shape.groups * static_cast<int>(std::min(rows, columns)), .rank = 0, .twins = 0};
  int twins = 0;
  for (std::size_t group = 0; group < static_cast<std::size_t>(shape.groups); ++group) {
    std::vector<double> matrix(rows * columns);
    bool finite = true;
    for (std::size_t i = 0; i < columns; ++i)
      for (std::size_t o = 0; o < rows; ++o) {
        matrix[o * columns + i] = static_cast<double>(values[i * all + group * rows + o]);
        finite = finite && std::isfinite(matrix[o * columns + i]);
      }
    twins += twins_in(matrix, rows, columns);
    if (!finite || std::min(rows, columns) > static_cast<std::size_t>(kLargest)) result.rank.reset();
    if (result.rank) *result.rank += rank_of(matrix, rows, columns);
  }
  result.twins = static_cast<double>(twins) / static_cast<double>(all);
  return result;
}

}  // namespace fanin
