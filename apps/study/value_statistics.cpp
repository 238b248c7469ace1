// SPDX-License-Identifier: MIT
#include "apps/study/value_statistics.h"

#include "core/activation_functions.h"
#include "core/tensor/parallel.h"

#include <cmath>
#include <limits>

namespace fanin {

namespace {

constexpr double kFlat = 0.05;  // of the steepest slope

// Outputs below `low` or above `high` are where the activation is flat.
struct FlatEnds {
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};

// From y the slopes are: tanh 1 - y^2, sigmoid y (1 - y) (steepest 1/4), softsign (1 - |y|)^2, elu y + 1,
// selu y + lambda alpha (which is also its steepest).
FlatEnds flat_ends(const Traits& traits) {
  const auto both = [](double y) { return FlatEnds{static_cast<float>(-y), static_cast<float>(y)}; };
  constexpr double steepest = activation_functions::kSeluLambda * activation_functions::kSeluAlpha;
  if (traits.function == "tanh") return both(std::sqrt(1.0 - kFlat));
  if (traits.function == "softsign") return both(1.0 - std::sqrt(kFlat));
  if (traits.function == "elu") return {.low = static_cast<float>(kFlat - 1.0)};
  if (traits.function == "selu") return {.low = static_cast<float>((kFlat - 1.0) * steepest)};
  if (traits.function == "sigmoid") {
    const double root = std::sqrt(0.25 - 0.25 * kFlat);
    return {static_cast<float>(0.5 - root), static_cast<float>(0.5 + root)};
  }
  return {};
}

struct Sums {
  double sum = 0, squares = 0;  // about the pivot, for the variance
  double square = 0;            // about 0
  std::int64_t zeros = 0, flat = 0;
  std::vector<char> alive;  // per channel
  std::vector<std::int64_t> bins;
};

// `pivot` is one of the values: the variance of a channel far from 0 keeps its digits.
void add(ConstView rows, double pivot, const FlatEnds& ends, const Histogram* histogram, Sums& s) {
  const std::size_t bins = histogram == nullptr ? 0 : histogram->counts.size();
  s.alive.assign(static_cast<std::size_t>(rows.shape.channels), 0);
  s.bins.assign(bins, 0);
  const double scale = bins == 0 ? 0.0 : static_cast<double>(bins) / (histogram->high - histogram->low);
  for (std::size_t p = 0; p < rows.shape.pixels(); ++p)
    for (int c = 0; c < rows.shape.channels; ++c) {
      const float value = rows.pixel(p)[c];
      const double v = static_cast<double>(value), d = v - pivot;
      s.sum += d;
      s.squares += d * d;
      s.square += v * v;
      s.zeros += value == 0.0f;
      s.flat += value < ends.low || value > ends.high;
      s.alive[static_cast<std::size_t>(c)] |= value != 0.0f;
      if (bins == 0 || !std::isfinite(v)) continue;
      const double place = std::clamp((v - histogram->low) * scale, 0.0, static_cast<double>(bins) - 1.0);
      ++s.bins[static_cast<std::size_t>(place)];
    }
}

}  // namespace

ValueStatistics statistics_of(ConstView values, const Traits& traits, Histogram* histogram) {
  const FlatEnds ends = flat_ends(traits);
  const double count = static_cast<double>(values.shape.size()), pivot = static_cast<double>(values.pixel(0)[0]);
  std::vector<Sums> blocks(static_cast<std::size_t>(row_block_count(values.shape)));
  for_numbered_row_blocks(
      [&](int block, ConstView rows) { add(rows, pivot, ends, histogram, blocks[static_cast<std::size_t>(block)]); },
      values);
  Sums all;
  all.alive.assign(static_cast<std::size_t>(values.shape.channels), 0);
  for (const Sums& b : blocks) {
    all.sum += b.sum;
    all.squares += b.squares;
    all.square += b.square;
    all.zeros += b.zeros;
    all.flat += b.flat;
    for (std::size_t c = 0; c < all.alive.size(); ++c) all.alive[c] |= b.alive[c];
    for (std::size_t i = 0; i < b.bins.size(); ++i) histogram->counts[i] += static_cast<double>(b.bins[i]);
  }
  ValueStatistics result;
  const double shift = all.sum / count;
  result.mean = pivot + shift;
  const double variance = all.squares / count - shift * shift;
  result.std = std::sqrt(variance > 0.0 || !std::isfinite(variance) ? variance : 0.0);
  result.square = all.square / count;
  result.zeros = static_cast<double>(all.zeros) / count;
  result.saturated = static_cast<double>(all.flat) / count;
  double dead = 0.0;
  for (const char alive : all.alive) dead += alive == 0;
  result.dead = dead / static_cast<double>(all.alive.size());
  return result;
}

double pair_correlation(ConstView values, int images) {
  images = std::min(images, values.shape.images);
  const std::size_t n = static_cast<std::size_t>(images), pixels = values.shape.with_images(1).pixels();
  std::vector<double> products(n * n);  // row a is written by one thread
  parallel_for(images, [&](int image) {
    const std::size_t a = static_cast<std::size_t>(image);
    for (std::size_t b = 0; b <= a; ++b)
      for (std::size_t p = 0; p < pixels; ++p) {
        const float *const x = values.pixel(a * pixels + p), *const y = values.pixel(b * pixels + p);
        double sum = 0.0;
        for (int c = 0; c < values.shape.channels; ++c) sum += static_cast<double>(x[c]) * static_cast<double>(y[c]);
        products[a * n + b] += sum;
      }
  });
  double sum = 0.0;
  int pairs = 0;
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b < a; ++b) {
      const double lengths = std::sqrt(products[a * n + a]) * std::sqrt(products[b * n + b]);
      if (!(lengths > 0.0)) continue;
      sum += products[a * n + b] / lengths;
      ++pairs;
    }
  return pairs == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / pairs;
}

}  // namespace fanin
