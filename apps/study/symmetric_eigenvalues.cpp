// SPDX-License-Identifier: MIT
#include "apps/study/symmetric_eigenvalues.h"

#include "core/tensor/parallel.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace fanin {

namespace {

// Turns rows and columns p and q so that their element vanishes.
void rotate(std::vector<double>& a, std::size_t n, std::size_t p, std::size_t q) {
  const double apq = a[p * n + q];
  if (apq == 0.0) return;
  const double theta = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
  const double t = (theta >= 0.0 ? 1.0 : -1.0) / (std::fabs(theta) + std::sqrt(theta * theta + 1.0));
  const double c = 1.0 / std::sqrt(t * t + 1.0), s = t * c;
  for (std::size_t k = 0; k < n; ++k) {
    const double x = a[p * n + k], y = a[q * n + k];
    a[p * n + k] = c * x - s * y;
    a[q * n + k] = s * x + c * y;
  }
  for (std::size_t k = 0; k < n; ++k) {
    const double x = a[k * n + p], y = a[k * n + q];
    a[k * n + p] = c * x - s * y;
    a[k * n + q] = s * x + c * y;
  }
}

}  // namespace

std::vector<double> symmetric_eigenvalues(std::vector<double> a, std::size_t n) {
  double all = 0.0;
  for (const double v : a) all += v * v;
  if (!std::isfinite(all)) return std::vector<double>(n, std::numeric_limits<double>::quiet_NaN());
  for (int sweep = 0; sweep < 60; ++sweep) {
    double off = 0.0;
    for (std::size_t p = 0; p < n; ++p)
      for (std::size_t q = 0; q < p; ++q) off += a[p * n + q] * a[p * n + q];
    if (off <= 0x1p-106 * all) break;
    for (std::size_t p = 0; p < n; ++p)
      for (std::size_t q = p + 1; q < n; ++q) rotate(a, n, p, q);
  }
  std::vector<double> result(n);
  for (std::size_t i = 0; i < n; ++i) result[i] = a[i * n + i];
  std::sort(result.begin(), result.end(), std::greater<>());
  return result;
}

std::vector<double> singular_values(const std::vector<double>& m, std::size_t rows, std::size_t columns) {
  const bool by_rows = rows <= columns;
  const std::size_t n = by_rows ? rows : columns, length = by_rows ? columns : rows;
  const std::size_t step = by_rows ? 1 : columns, next = by_rows ? columns : 1;
  double largest = 0.0;  // squares of values like 1e-200 must not vanish
  for (const double v : m) largest = std::max(largest, std::fabs(v));
  if (!(largest > 0.0)) return std::vector<double>(n);
  std::vector<double> gram(n * n);
  parallel_for(static_cast<int>(n), [&](int row) {
    const std::size_t i = static_cast<std::size_t>(row);
    for (std::size_t j = 0; j < n; ++j) {
      double sum = 0.0;
      for (std::size_t k = 0; k < length; ++k)
        sum += (m[i * next + k * step] / largest) * (m[j * next + k * step] / largest);
      gram[i * n + j] = sum;
    }
  });
  std::vector<double> result = symmetric_eigenvalues(std::move(gram), n);
  for (double& v : result) v = largest * std::sqrt(v > 0.0 || std::isnan(v) ? v : 0.0);
  return result;
}

}  // namespace fanin
